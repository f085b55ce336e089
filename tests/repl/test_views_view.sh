# view: status, rows, declared views, rebuild, pause, verify; views of the user's own by --load; and
# how long a question waits.
. "$(dirname "$0")/lib.sh"

state_of() {
    "$FLUME" a.flume view status "$1" --json | jq -r .state
}
status() {
    "$FLUME" a.flume view status "$1" --json | jq -r "$2"
}

expect 7 missing.flume view status
expect 0 a.flume init
i=0
while [ $i -lt 200 ]; do
    printf '{"n":%d,"host":"h%d","temp":%d.5,"name":"item %d","tags":["t%d","all"]}\n' \
        $i $((i % 3)) $((i % 40)) $i $((i % 5))
    i=$((i + 1))
done >bodies
expect 0 a.flume append -l run/1 --each json -q <bodies
expect 0 a.flume append -l run/2 'not JSON'

# Looking builds nothing.
expect 0 a.flume view status
cut -f 1 out | grep -qx hash || fail "no view hash"
cut -f 1 out | grep -qx label || fail "no view label"
expect_same closed "$(state_of label)"
expect 0 a.flume view
expect 0 a.flume view status --json
expect_json out
expect_jq out '.view == "label" and .state == "closed" and .lag > 200 and .lag_bytes > 0 and
    (keys - ["type","view","version","state","at","lag","lag_bytes","entries","disk","rate","why"]
    == [])'
# Asking builds.
expect 0 a.flume get run/2
expect_same live "$(state_of label)"
expect_same "" "$(status label .why)" "why of a view that is well"
expect_same 0 "$(status label .lag)"
expect 0 a.flume view status label hash
expect_out_lines 2
expect 0 a.flume view status label -v --json
expect_jq out '.generation == 1 and .usable == true and .passed_over == 0'
expect 1 a.flume view status lable
expect_err_has "did you mean label?"
expect 0 a.flume view list --json
expect_json out
expect_jq out '.view == "hash" and .kind == "built-in" and .version >= 1'

# Rows of the built-in views.
"$FLUME" a.flume log --json --kind manifest --kind message --no-fail-empty |
    jq -r '[.hash[0:16], "@\(.seq)"] | @tsv' | sort >oracle
expect 0 a.flume view rows hash
cut -f 1,2 out | sort | cmp -s - oracle || fail "rows of hash"
prefix=$(head -c 2 oracle)
expect 0 a.flume view rows hash "$prefix"
[ "$(grep -c "^$prefix" oracle)" -eq "$(wc -l <out)" ] || fail "rows of hash $prefix"
whole=$("$FLUME" a.flume get run/2 --json | jq -r .hash)
expect 0 a.flume view rows hash "$whole" # Of which a row has the first 16 digits.
expect_same "$(echo "$whole" | cut -c 1-16)	@$("$FLUME" a.flume get run/2 --json | jq .seq)" \
    "$(cut -f 1,2 out)"
expect 2 a.flume view rows hash xyz
expect 0 a.flume view rows label run/2
expect_same "run/2	@$("$FLUME" a.flume get last --json | jq .seq)" "$(cut -f 1,2 out)"
expect 0 a.flume view rows label --table count --json
expect_json out
expect_jq out '.type == "row" and .key == "run/1" and (.value | startswith("200 records, "))'
expect 0 a.flume view rows label -n 3
expect_out_lines 3
expect 1 a.flume view rows label nothing
expect 2 a.flume view rows label --table nosuch
expect_err_has "its tables: label"
expect 1 a.flume view rows nosuch

# Declared views.
expect 0 a.flume view add temp --json-path .temp --type number
cp out first
expect 0 a.flume view add temp --json-path .temp --type number
expect_same_files first out "the same declaration again"
expect 0 a.flume view add name --json-path .name --unique --json
expect_json out
expect_jq out '.type == "declared" and .view == "name" and .seq > 200'
expect 0 a.flume view add tags --json-path '.tags[]'
expect 0 a.flume view add per-host --reduce count --by .host
expect 0 a.flume view list --json
expect_jq out '.view == "temp" and .kind == "field"'
expect_jq out '.view == "per-host" and .kind == "reduce"'
expect 0 a.flume view rows temp -n 2
expect_same "0.5 0.5 " "$(cut -f 1 out | tr '\n' ' ')"
expect 0 a.flume view rows name 'item 19'
expect_same 11 "$(wc -l <out)" "names that begin with item 19"
expect_same "item 19" "$(cut -f 1 out | head -n 1)"
expect_same "$(jq -r '.tags[]' bodies | sort)" \
    "$("$FLUME" a.flume view rows tags | cut -f 1 | sort)" "rows of tags"
expect 0 a.flume append --codec json '{"ok":[true,false,null,"","\u0000x",-0.25,12345678]}'
expect 0 a.flume view add ok --json-path '.ok[]'
expect 0 a.flume view rows ok
expect_same 'null false true -0.25 12345678  \x00x ' "$(cut -f 1 out | tr '\n' ' ')" "any type"
[ "$(cut -f 2 out | sort -u | wc -l)" -eq 1 ] || fail "the record of the rows"
expect 0 a.flume view drop ok
expect 0 a.flume view rows temp --table count
expect_out_has "200 "

for wrong in "x" "x --json-path temp" "x --json-path .a --by .b" "x --reduce sum" \
    "x --reduce count --unique" "x --reduce count --type text" "hash --json-path .a" \
    "X --json-path .a" "and --json-path .a" "or --reduce count" "x --reduce median" \
    "x --json-path .a --type date"; do
    # shellcheck disable=SC2086 # Words.
    expect 2 a.flume view add $wrong
done
expect 2 a.flume view add x --json-path temp
expect_err_has "^"
expect 0 a.flume view drop tags
expect 1 a.flume view rows tags
expect 1 a.flume view drop tags
expect 2 a.flume view drop hash
expect_err_has "built in"
expect 1 a.flume view drop nosuch

# Many views.
i=0
while [ $i -lt 35 ]; do
    expect 0 a.flume view add "many-$i" --reduce count -l "run/$i" -q
    i=$((i + 1))
done
expect 0 a.flume view list
[ "$(cut -f 1 out | grep -c '^many-')" -eq 35 ] || fail "35 views more"
expect 0 a.flume find many-1 --json
expect_jq out '.count == 200 and .value == 200'
i=0
while [ $i -lt 35 ]; do
    expect 0 a.flume view drop "many-$i"
    i=$((i + 1))
done

# Pausing: nobody advances it, and who asks is told.
expect 0 a.flume view pause label
expect_out_has paused
expect 0 a.flume append -l run/2 "while it is paused"
expect 9 a.flume get run/2
expect_err_has "paused"
expect 9 a.flume get run/2 --json
expect_json err
expect_jq err '.code == 9'
expect 0 a.flume get run/2 --stale-ok
expect_out "not JSON"
expect_same paused "$(state_of label)"
expect 0 a.flume view resume label
expect 0 a.flume get run/2
expect_out "while it is paused"

# Rebuilding and verifying.
"$FLUME" a.flume view rows label >before
expect 0 a.flume view rebuild label --json
expect_json out
expect_jq out '.type == "rebuilt" and .view == "label" and .result == "done" and .records > 200'
expect_same 2 "$("$FLUME" a.flume view status label -v --json | jq .generation)" "generation"
expect 0 a.flume view rows label
expect_same_files before out "rows after a rebuild"
expect 0 a.flume view rebuild --all
for view in hash label temp name per-host; do
    cut -f 1,2 out | grep -qx "$view	done" || fail "$view was not rebuilt"
done
expect 2 a.flume view rebuild
expect 2 a.flume view rebuild --all label
expect 1 a.flume view rebuild nosuch
expect 0 a.flume view verify
cut -f 2 out | grep -qvx same && fail "a view differs"
expect 0 a.flume view verify temp --json
expect_json out
expect_jq out '.type == "verified" and .view == "temp" and .result == "same" and .rows >= 200'
expect 1 a.flume view verify nosuch
rm -rf a.flume/views
expect 0 a.flume view rows label
expect_same_files before out "rows after rm -rf views"

# ---- views of the user's own ----

cat >mine.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flume/view.h"

static int by_kind(void *state, flume_batch *batch, const flume_record *record)
{
    uint64_t one = 1;

    (void)state;
    return flume_batch_put(batch, 0, &record->kind, 1, &one, sizeof one);
}

/* SPOIL makes it put another value, as if its code had changed and its version had not. */
static int plain(void *state, flume_batch *batch, const flume_record *record)
{
    const char *value = getenv("SPOIL") == NULL ? "right" : "wrong";

    (void)state;
    if (record->body_bytes == 0)
        return FLUME_OK;
    return flume_batch_put(batch, 0, record->body, record->body_bytes > 400 ? 400 :
                           record->body_bytes, value, strlen(value));
}

static int slow(void *state, flume_batch *batch, const flume_record *record)
{
    struct timespec step = {.tv_nsec = 1000000};

    (void)state;
    nanosleep(&step, NULL);
    return flume_batch_put(batch, 0, &record->seq, sizeof record->seq, "", 0);
}

static int fails(void *state, flume_batch *batch, const flume_record *record)
{
    (void)state;
    (void)batch;
    return record->seq == 3 ? FLUME_ERR_INVALID : FLUME_OK;
}

static const flume_view_table sums[] = {{"kind", FLUME_TABLE_COLLECT, flume_merge_sum, NULL}};
static const flume_view_table rows[] = {{"row", FLUME_TABLE_COLLECT, NULL, NULL}};
static const flume_view_definition kinds_view = {
    .name = "kinds", .version = 1, .tables = sums, .table_count = 1, .apply = by_kind};
static const flume_view_definition plain_view = {
    .name = "plain", .version = 1, .tables = rows, .table_count = 1, .apply = plain};
static const flume_view_definition slow_view = {
    .name = "slow", .version = 1, .tables = rows, .table_count = 1, .apply = slow};
static const flume_view_definition failing_view = {
    .name = "failing", .version = 1, .tables = rows, .table_count = 1, .apply = fails};
const flume_view_definition *const flume_views[] = {&kinds_view, &plain_view, &slow_view,
                                                    &failing_view, NULL};
END
: "${FLUME_SOURCE_DIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
if ! "${CC:-cc}" -shared -fPIC -I"$FLUME_SOURCE_DIR/include" -o mine.so mine.c 2>compiler; then
    echo "the rest is left out: there is no compiler"
    exit 0
fi

expect 0 a.flume --load mine.so view rows kinds
"$FLUME" a.flume log --json --kind message --kind bookmark --kind view |
    jq -r .kind | sort | uniq -c | awk '{ print $1 }' | sort >wanted
cut -f 3 out | sort | cmp -s - wanted || fail "rows of kinds"
expect 0 a.flume --load ./mine.so view list --json
expect_jq out '.view == "kinds" and .kind == "loaded"'
expect 0 a.flume view list --json
expect_jq out '.view == "kinds" and .kind == "foreign" and .state == "code not here"'
expect 9 a.flume view rows kinds
expect_err_has "its code is not here"
expect 0 a.flume view rebuild kinds
expect_out_has requested
expect_err_has "its code is not here"
expect 9 a.flume view verify kinds
expect 6 a.flume --load nosuch.so view list
expect_err_has "^"
"${CC:-cc}" -shared -fPIC -o empty.so -x c /dev/null
expect 2 a.flume --load empty.so view list
expect_err_has "flume_views"
sed 's/"kinds"/"Bad Name"/' mine.c >bad.c
"${CC:-cc}" -shared -fPIC -I"$FLUME_SOURCE_DIR/include" -o bad.so bad.c
expect 2 a.flume --load bad.so view list
expect_err_has "Bad Name"
expect 2 a.flume --load mine.so --load ./mine.so view list
sed 's/"\([a-z]*\)", .version/"other-\1", .version/' mine.c >other.c
"${CC:-cc}" -shared -fPIC -I"$FLUME_SOURCE_DIR/include" -o other.so other.c
expect 0 a.flume --load mine.so --load other.so view list
cut -f 1,3 out | grep -qx "kinds	loaded" || fail "the first of two"
cut -f 1,3 out | grep -qx "other-kinds	loaded" || fail "the second of two"

# A view that differs from its log is named: exit code 4.
expect 0 a.flume --load mine.so view rows plain -n 1
expect 0 a.flume --load mine.so view verify plain
SPOIL=1 expect 4 a.flume --load mine.so view verify plain kinds
expect_err_has "view plain is not what the log says"
expect_same "kinds same plain different " "$(cut -f 1,2 out | sort | tr '\t\n' '  ')"
SPOIL=1 expect 4 a.flume --load mine.so view verify plain --json
expect_jq out '.result == "different" and .table == "row" and (.difference | length) > 0'

# A view that fails says so, and at which record; the others go on.
expect 9 a.flume --load mine.so view rows failing
expect_err_has failing
expect 0 a.flume --load mine.so view status failing --json
expect_jq out '.at == 3 and .lag > 200'
expect 0 a.flume --load mine.so view rows kinds

# ---- waiting ----

expect 0 s.flume init
seq 600 | expect 0 s.flume append --each line -q
started=$(date +%s%N)
expect 9 s.flume --load mine.so view rows slow --timeout 0.1
waited=$((($(date +%s%N) - started) / 1000000))
[ $waited -ge 100 ] && [ $waited -lt 5000 ] || fail "--timeout 0.1 took $waited ms"
expect_err_has "view slow is "
expect_err_has " behind"
expect 9 s.flume --load mine.so view rows slow --timeout 0
expect 9 s.flume --load mine.so view rows slow --timeout 0.1 --json
expect_json err
expect_jq err '.code == 9 and .name == "timeout" and (.message | contains("slow"))'
# Nothing to answer from yet.
expect 9 s.flume --load mine.so view rows slow --stale-ok
expect 0 s.flume --load mine.so view rows slow
expect_out_lines 600
seq 400 | expect 0 s.flume append --each line -q
expect 9 s.flume --load mine.so view rows slow --timeout 0.1
expect_err_has "view slow is "
expect 0 s.flume --load mine.so view rows slow --stale-ok
lines=$(wc -l <out)
[ "$lines" -ge 600 ] && [ "$lines" -lt 1000 ] || fail "--stale-ok gave $lines rows"
expect_err_has "view slow answers as of @"
grep -q ": 0 records behind" err && fail "--stale-ok is not behind"
# Who needs no more than was there does not wait for what came.
expect 0 s.flume --load mine.so view rows slow --as-of @601 --timeout 0.1
expect 0 s.flume --load mine.so view rows slow
expect_out_lines 1000

# Ctrl-C: a rebuild is interrupted, says how far it was, and goes on there.
rm -rf s.flume/views
seq 1000 | expect 0 s.flume append --each line -q
begun() {
    "$FLUME" s.flume --load mine.so view status slow --json | jq -e '.state == "rebuilding"'
}
"$FLUME" s.flume --load mine.so view rebuild slow >rebuild.out 2>rebuild.err &
process=$!
will_end $process
wait_until 10 begun
kill -INT $process
wait $process
code=$?
expect_same 130 "$code" "exit code after Ctrl-C"
grep -q "cancelled: the rebuild of view slow was at [0-9]*%" rebuild.err ||
    fail "interrupted: $(cat rebuild.err)"
attached() {
    [ "$("$FLUME" s.flume stat --json | jq '.attached | length')" -ge 2 ]
}
"$FLUME" s.flume --load mine.so view rows slow >rows.out 2>rows.err &
process=$!
will_end $process
wait_until 10 attached
kill -INT $process
wait $process
expect_same 130 $? "exit code of a question after Ctrl-C"
[ ! -s rows.out ] || fail "rows after Ctrl-C"
expect 0 s.flume --load mine.so view rebuild slow --json --progress plain
expect_jq out '.result == "done" and .entries == 2000'

# ---- sync ----

seq 10 | expect 0 a.flume append --each line -q
lag=$(status label .lag)
[ "$lag" -ge 10 ] || fail "nothing to catch up with"
expect 0 a.flume view sync label --json
expect_json out
expect_jq out '.type == "synced" and .view == "label" and .lag == 0 and .waited >= 0'
expect_same 0 "$(status label .lag)"
expect 0 a.flume view sync
cut -f 1,3 out | grep -qx "hash	0" || fail "sync of all"
expect 1 a.flume view sync lable
expect_err_has "did you mean label?"
expect 0 a.flume view pause label
expect 0 a.flume append more
expect 9 a.flume view sync label
expect 0 a.flume view resume label
expect 0 a.flume view sync label
seq 2000 | expect 0 s.flume append --each line -q
expect 9 s.flume --load mine.so view sync slow --timeout 0.1
expect_err_has "view slow is "
