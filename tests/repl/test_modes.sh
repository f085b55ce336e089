# Every mode is read back by another program, and gives the same rows as ndjson.
read_back=$(cd "$(dirname "$0")" && pwd)/read_back.py
. "$(dirname "$0")/lib.sh"

# ---- records of every kind of body ----

expect 0 a.flume init
body() {
    lib_command="append of a body"
    # shellcheck disable=SC2059 # The body is the format.
    printf "$@" | "$FLUME" a.flume append -q -l nasty - || fail "append"
}
body 'plain'
body ''
body ' blanks around '
body 'tab\there'
body 'two\nlines'
body 'returns\r\nand\r'
body '"quotes", commas, and ""'
body 'a|b \\ back\\\\slashes \\n `code` *bold* <b> [x](y) ~~z~~'
body '日本語と中文'
body '👩‍👩‍👧 🇩🇪 👍🏽 🫨 é ñ'
body '\360\237\253'
body '\377\376\000\001'
body 'nul\000inside'
body 'bell\007 escape\033[31mred\033]0;title\007 delete\177'
body 'c1 \302\233 31m and \302\205'
body 'bidi \342\200\256 txt \342\201\246 end \342\200\251'
body '\357\273\277bom'
body '=1+1'
body '@17'
body '%s' "$(head -c 100000 /dev/zero | tr '\0' x)"
expect 0 a.flume append --codec json '{"a":[1,2,{"b":"x\u0000y"}],"s":"tab\there, \"quoted\""}' -l json
printf '{\n "many": "lines",\r\n "bidi": "\342\200\256"\n}' | expect 0 a.flume append --codec json -
printf '"\177"' | expect 0 a.flume append --codec json -
expect 0 a.flume append --codec 17 --kind 99 odd -l 'a,b' -l 'c"d' -l 'e|f' -l '日本' -l 'back\slash'
expect 0 a.flume append --time 1970-01-01 'no labels'

expect 0 a.flume log --json
cp out ndjson
records=$(wc -l <ndjson)
expect_same 25 "$records" "records in the basin"

# ---- by jq ----

expect 0 a.flume log --mode json
jq -e 'type == "array"' out >/dev/null || fail "json is not one array"
jq -c '.[]' out | cmp -s - ndjson || {
    jq -c . ndjson >ndjson.jq
    jq -c '.[]' out | cmp -s - ndjson.jq || fail "json and ndjson differ"
}
expect 0 a.flume log --mode ndjson
expect_same_files out ndjson
expect 1 a.flume log --kind 98 --mode json
expect_same '[]' "$(jq -c . out)" "an empty array"
expect 1 a.flume get @1000000 --mode json
expect_same '[]' "$(jq -c . out)" "nothing found"
expect 7 missing.flume log --mode json
expect_no_out
expect 3 a.flume get first @1000000 last --mode json
expect_same 2 "$(jq length out)" "an array in spite of an error"

# What has no end is no array.
for words in 'tail -f' 'find -f label nasty' 'stat -i 1'; do
    # shellcheck disable=SC2086 # Words.
    expect 2 a.flume $words --mode json
    expect_no_out
    expect_err_has "json is one array"
    expect_err_has "--mode ndjson"
done
expect 0 a.flume tail -f --exit-at-end --mode json
expect_same 10 "$(jq length out)" "an end is an end"
expect 0 a.flume stat -i 0.01 -n 2 --mode json
expect_same '["rate","rate"]' "$(jq -c 'map(.type)' out)"

# ---- raw and hex, by what prints bytes ----

expect 0 a.flume log --mode raw -0
tr -d -c '\000' <out | wc -c >zeros
expect_same $((records + 2)) "$(tr -d ' ' <zeros)" "NULs: one behind each body, 2 in bodies"
i=0
for seq in $(jq .seq ndjson); do
    expect 0 a.flume get "@$seq" -o body.bin
    expect 0 a.flume get "@$seq" --mode raw -D ''
    expect_same_files out body.bin "raw of @$seq"
    i=$((i + 1))
    [ $i -eq 20 ] && continue # Long: hex would take its time here.
    expect 0 a.flume get "@$seq" --mode hex
    if command -v xxd >/dev/null; then
        sed -n 's/^[0-9a-f]\{8\}  \(.\{49\}\) |.*$/\1/p' out | xxd -r -p >back.bin
        expect_same_files back.bin body.bin "hex of @$seq"
    fi
    LC_ALL=C tr -d '\n\040-\176' <out >odd
    [ ! -s odd ] || fail "hex has a byte that is no text"
done

# ---- CSV by SQLite too ----

if command -v sqlite3 >/dev/null; then
    expect 0 a.flume log --mode csv
    sqlite3 :memory: '.import --csv out rows' \
        "select count(*), sum(bytes), sum(enc = 'json'), min(seq + 0), max(seq + 0) from rows" >sums
    jq -rs '[length, (map(.bytes) | add), (map(select(.enc == "json")) | length),
             (map(.seq) | min), (map(.seq) | max)] | map(tostring) | join("|")' ndjson |
        cmp -s - sums || fail "SQLite reads: $(cat sums)"
else
    echo "skipped: CSV by sqlite3"
fi

# ---- the rest by a reader of its own ----

command -v python3 >/dev/null || { echo "skipped: no python3 to read back with"; exit 77; }
# back KIND WORD...: what the command prints in each mode, against ndjson.
back() {
    back_kind=$1
    shift
    expect 0 a.flume "$@" --json
    cp out wanted
    for mode in json csv tsv plain md line table; do
        expect 0 a.flume "$@" --mode $mode
        cp out rows.$mode
    done
    lib_command="flume $*, read back"
    python3 "$read_back" $back_kind wanted json=rows.json csv=rows.csv tsv=rows.tsv \
        plain=rows.plain md=rows.md line=rows.line 2>err &&
        python3 "$read_back" safe wanted table=rows.table 2>err || fail "rows differ"
}
back records log
expect_same 25 "$(wc -l <wanted)"
expect 0 a.flume log --mode hex
cp out rows.hex
python3 "$read_back" safe wanted hex=rows.hex || fail "hex"
expect 0 a.flume get first last --meta --mode csv
expect_same "seq,time,labels,kind,codec,bytes,enc,payload,hash,strata,offset,writer" \
    "$(head -n 1 out)"
expect 0 a.flume get first last --meta --json
jq -r '[.seq, .hash, .strata, .offset, .writer] | @csv' out | tr -d '"' >wanted.place
expect 0 a.flume get first last --meta --mode tsv
tail -n +2 out | cut -f 1,9- | tr '\t' ',' | cmp -s - wanted.place || fail "the place in tsv"

# ---- rows of named columns ----

"$FLUME" a.flume mark 'one|two' last -m "$(printf 'a note,\nwith "lines" | and\ttabs \033[1m')" -q
"$FLUME" a.flume mark 日本 first -m 'é ‮ turned' -l 'l,1' -q
"$FLUME" a.flume mark gone -q
"$FLUME" a.flume mark drop gone
"$FLUME" a.flume append -q --codec json '{"k":"x\u0000y","n":1}' '{"k":"plain","n":-0.5}' \
    '{"k":"comma, \"quote\"","n":1e300}' '{"k":"é|日本","n":0.1}'
expect 0 a.flume view add k --json-path .k
expect 0 a.flume view add by-k --reduce max --json-path .n --by .k
expect 0 a.flume view rebuild --all --json
for words in 'label list' 'label count' 'mark list' 'mark history gone' 'view status' \
    'view status -v' 'view list' 'view rows label' 'view rows k' 'find by-k' 'explain get nasty~1' \
    'view verify k by-k'; do
    # shellcheck disable=SC2086 # Words.
    back rows $words
    expect_same "$(jq -r -s '.[0] | del(.type) | keys_unsorted | join(",")' wanted)" \
        "$(head -n 1 rows.csv)" "the columns of $words are the keys"
done
expect 0 a.flume label list --mode raw
"$FLUME" a.flume label list --json | jq -r .label | cmp -s - out || fail "raw is the first column"
expect 0 a.flume label list --mode hex
command -v xxd >/dev/null &&
    expect_same "$(jq -rs '.[0].labels[0]' ndjson)" "$(sed -n 's/ //g;/^6e61/p' out | xxd -r -p)"

# ---- cards ----

for words in info version; do
    back card $words
    expect_same "$(jq -r 'del(.type) | keys_unsorted[]' wanted)" "$(sed 's/ .*//' rows.table)" \
        "the names of $words"
    expect_same 2 "$(wc -l <rows.csv)" "one row of $words"
done
expect 0 a.flume stat --mode csv
expect_same read_only,true "$(python3 -c '
import csv, json, sys
row = next(csv.DictReader(sys.stdin))
print("read_only", str(json.loads(row["attached"])[-1]["read_only"]).lower(), sep=",")' <out)"
expect 0 b.flume init --mode csv
expect_same "path,basin,format,strata_bytes" "$(head -n 1 out)"

# What was done, in each mode.
for mode in plain json ndjson csv tsv md line raw hex table; do
    expect 0 b.flume append --mode $mode -l 'a,b' one two
    [ -s out ] || fail "append says nothing in $mode"
    expect 0 b.flume mark x --mode $mode
    [ -s out ] || fail "mark says nothing in $mode"
done 2>err
expect 0 b.flume append --mode csv -l 'a,b' one
expect_same 'a\,b' "$(sed -n '2s/.*,"\(.*\)"$/\1/p' out)" "a comma in a label"
for mode in json csv md line; do
    expect 0 bench --records 100 --memory --mode $mode
    expect_out_has "append many"
done
expect 0 a.flume export -o all.ndjson
for mode in json csv line; do
    rm -rf c.flume
    expect 0 c.flume import all.ndjson --create --mode $mode
    expect_out_has records
done

# ---- a body of 1 MiB, in each mode (of 16 MiB, the largest, with FLUME_TEST_LONG) ----

size=1048576
[ -z "${FLUME_TEST_LONG:-}" ] || size=16777216
head -c $size /dev/zero | tr '\0' '\001' | expect 0 big.flume append --create -q -
for mode in plain json ndjson csv tsv line md raw table; do
    expect 0 big.flume log --mode $mode
    [ "$(wc -c <out)" -ge $size ] || fail "$size bytes in $mode"
done
COLUMNS=80 expect 0 big.flume log --mode table
[ "$(wc -c <out)" -le 400 ] || fail "a table of 80 columns"

# ---- what is no row ----

expect 2 a.flume export --mode csv
expect_err_has "log --mode MODE"
expect 0 a.flume export --mode ndjson
expect_json out
expect 0 completion bash --mode json
expect_out_has 'complete -F'
grep -qx '\[' out && fail "a script in an array"
expect 0 help refs --mode csv
expect_out_has 'last~2'
expect 0 help refs --mode json
expect_jq out '.[0].type == "help"'
printf '.mode json\n.mode\nexport ..@2\nlog -n 1\nlabel list -n 2\nmark list nosuch\n.mode csv\ninfo\n' |
    expect 1 a.flume --keep-going
expect_same "json" "$(head -n 1 out)"
expect_same 1 "$(sed -n 2p out | jq -c .seq)" "an export stays ndjson"
sed -n '3,/^path,basin/p' out | sed '$d' | jq -c length >lengths
expect_same "1 2 0" "$(tr '\n' ' ' <lengths | sed 's/ $//')" "an array for each command"
