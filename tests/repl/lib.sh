# lib.sh - assertions for the tests of the program. Sourced by test_*.sh, which are run as
#
#     FLUME=/path/to/flume sh tests/repl/test_append.sh
#
# What always holds: a test works in a directory of its own, $work, which is taken away; the first
# assertion that does not hold ends the test with status 1, naming it and showing what there was.
# Variables: $work; after run: $code, and the files $work/out and $work/err.

set -u
: "${FLUME:?the path of the program}"
case $FLUME in
/*) ;;
*) FLUME=$PWD/$FLUME ;;
esac
unset FLUME_DB NO_COLOR COLUMNS
export LC_ALL=C.UTF-8

work=$(mktemp -d "${TMPDIR:-/tmp}/flume-test-XXXXXX") || exit 1
# Tries for each second that something may take: far more than that, as the machine may be busy.
lib_patience=200
lib_children=
lib_finish() {
    lib_status=$?
    for lib_child in $lib_children; do
        kill -KILL "$lib_child" 2>/dev/null
    done
    rm -rf "$work"
    exit $lib_status
}
trap lib_finish EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1
# Outside $work nothing is written, and out and err are kept apart from what a test makes.
mkdir "$work/.lib"

# Kill a process at the end, if the test has not done so.
will_end() {
    lib_children="$lib_children $1"
}

fail() {
    echo "FAILED: $*" >&2
    echo "--- last command: ${lib_command:-none} -> ${code:-}" >&2
    [ -f "$work/out" ] && { echo "--- stdout:"; head -c 2000 "$work/out"; } >&2
    [ -f "$work/err" ] && { echo "--- stderr:"; head -c 2000 "$work/err"; } >&2
    kill -TERM $$ # In a pipeline this is a shell of its own: the test itself is to end.
    exit 1
}

# run WORD...: run the program. Standard input is the caller's.
run() {
    lib_command="flume $*"
    "$FLUME" "$@" >"$work/out" 2>"$work/err"
    code=$?
}

expect_code() {
    [ "$code" -eq "$1" ] || fail "exit code $1 expected, got $code${2:+ ($2)}"
}

# run, and it must end with this code: expect CODE WORD...
expect() {
    lib_expected=$1
    shift
    run "$@"
    expect_code "$lib_expected"
}

expect_out() {
    printf '%s' "$1" >"$work/.lib/wanted"
    cmp -s "$work/.lib/wanted" "$work/out" || fail "stdout is not: $1"
}

# Of one line: it is a part of some line. Of several: they are so of lines that follow each other.
expect_out_has() {
    lib_has "$work/out" "$1" || fail "stdout does not have: $1"
}

expect_err_has() {
    lib_has "$work/err" "$1" || fail "stderr does not have: $1"
}

lib_has() {
    case $2 in
    *"
"*) ;;
    *)
        grep -qF -e "$2" "$1"
        return
        ;;
    esac
    lib_text=$2 awk '
        BEGIN { wanted = split(ENVIRON["lib_text"], parts, "\n") }
        { lines[NR] = $0 }
        END {
            for (i = 0; i + wanted <= NR; i++) {
                for (j = 1; j <= wanted && index(lines[i + j], parts[j]) > 0; j++)
                    continue
                if (j > wanted)
                    exit 0
            }
            exit 1
        }' "$1"
}

expect_no_err() {
    [ ! -s "$work/err" ] || fail "stderr should be empty"
}

expect_no_out() {
    [ ! -s "$work/out" ] || fail "stdout should be empty"
}

expect_out_lines() {
    lib_lines=$(wc -l <"$work/out")
    [ "$lib_lines" -eq "$1" ] || fail "$1 lines expected on stdout, got $lib_lines"
}

expect_same() {
    [ "$1" = "$2" ] || fail "${3:-values differ}: expected '$1', got '$2'"
}

expect_same_files() {
    cmp -s "$1" "$2" || fail "${3:-files differ}: $1 $2"
}

# Each line of a file is a JSON object with a type (and the file has one at least).
expect_json() {
    jq -e -s 'length > 0 and all(.[]; type == "object" and (.type | type == "string"))' \
        "$1" >/dev/null 2>&1 || fail "$1 is not one JSON object a line"
    expect_same "$(wc -l <"$1")" "$(jq -c . "$1" | wc -l)" "a line is not one object: $1"
}

# expect_jq FILE FILTER: true for some object in the file.
expect_jq() {
    jq -e -s "any(.[]; $2)" "$1" >/dev/null 2>&1 || fail "no object in $1 with $2"
}

# wait_until SECONDS COMMAND...: try until it succeeds.
wait_until() {
    lib_tries=$(($1 * lib_patience))
    shift
    while ! "$@" >/dev/null 2>&1; do
        lib_tries=$((lib_tries - 1))
        [ $lib_tries -gt 0 ] || fail "in time: $*"
        sleep 0.03
    done
}

has_lines() {
    [ "$(wc -l <"$1")" -ge "$2" ]
}

# make_slow_view: slow.so, with a view of the name slow that takes a millisecond for a record. False
# without a compiler.
make_slow_view() {
    cat >slow.c <<'END'
#include <flume/flume.h>
#include <unistd.h>
static int slow(void *state, flume_batch *batch, const flume_record *record)
{
    (void)state;
    usleep(1000);
    return flume_batch_put(batch, 0, &record->seq, sizeof record->seq, "", 0);
}
static const flume_view_table tables[] = {{"row", 0, NULL, NULL}};
static const flume_view_definition slow_view = {
    .name = "slow", .version = 1, .tables = tables, .table_count = 1, .apply = slow};
const flume_view_definition *const flume_views[] = {&slow_view, NULL};
END
    "${CC:-cc}" -shared -fPIC -I"${FLUME_SOURCE_DIR:?the directory of the sources}/include" \
        -o slow.so slow.c 2>"$work/.lib/compiler"
}

# A line to import: the scope {n: 1} labelled sweep, which a program has put into a batch. No command does.
batched_scope() {
    printf '{"type":"record","seq":1,"time":"2026-11-22T04:15:00Z","kind":"scope","codec":"raw",%s,%s}\n' \
        '"labels":["sweep","@batch/sweep-20261122-041500000-0d748c34"],"bytes":110,"enc":"b64"' \
        '"payload":"AQABAAAAAABpB1L1/ogqmeMzxwk3gNIgUO/Nx7K6zRk3P6w8Ua+hjWkHUvX+iCqZ4zPHCTeA0iBQ783HsrrNGTc/rDxRr6GN//////////8AAAAAAAAAAAAAAAAAAAAAAQFuAoAAAAAAAAABAAA="'
}

# Another: the same, committed under the tares of tares_line.
tared_scope() {
    printf '{"type":"record","seq":3,"time":"2026-11-22T04:15:00Z","kind":"scope","codec":"raw",%s,%s}\n' \
        '"labels":["sweep"],"bytes":142,"enc":"b64"' \
        '"payload":"AQABAAgAAABpB1L1/ogqmeMzxwk3gNIgUO/Nx7K6zRk3P6w8Ua+hjWkHUvX+iCqZ4zPHCTeA0iBQ783HsrrNGTc/rDxRr6GN//////////8AAAAAAAAAAAAAAAAAAAAAAQFuAoAAAAAAAAABAABprhJcgQe+siBE6BBUT13PDJCkbL2FRXHhh4laIcOvmA=="'
}

# What these tares leave out.
tares_line() {
    schema_line '{"tare":"69ae125c8107beb22044e810544f5dcf0c90a46cbd854571e187895a21c3af98","tares":[{"mode":"keys","keys":["g","h"]}]}'
}

# Another: what a recorder was told. Later settings go before earlier ones.
recorded_schema() {
    schema_line '{"settings":[{"labels":"","key":"keep","value":"all"},{"labels":"^step$","key":"flush every","value":"10"},{"labels":"s","key":"keep","value":"some"}],"defaults":{"z":7}}'
}

# A record of kind schema with this body.
schema_line() {
    jq -cn --arg body "$1" '{type: "record", seq: 2, time: "2026-11-22T04:15:00Z", labels: [],
        kind: "schema", codec: "json", bytes: ($body | utf8bytelength), enc: "utf8", payload: $body}'
}
