# Every example of every command and topic does what it is there to show: it is run as it stands, by a
# shell, and, without `flume demo.flume`, as a line of flume's own; each in a directory of its own that
# has what they name. Without FLUME_TEST_LONG, bench and stat -i do less of the same.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

mkdir bin home prepared empty
ln -s "$FLUME" bin/flume
PATH=$work/bin:$PATH
HOME=$work/home
export PATH HOME
unset MANPAGER PAGER

count=0 skipped=0
skip() {
    skipped=$((skipped + 1))
    echo "left out: $example ($1)"
}

# ---- what they name ----

cd prepared || exit 1
must() {
    "$@" >"$work/out" 2>"$work/err" || fail "$*"
}
must flume demo.flume init
seq 1000 | must flume demo.flume append --each line --forgetful
cp -R demo.flume sealed.flume
must flume sealed.flume seal --active
must flume sealed.flume prove @17 -o 17.proof
must flume sealed.flume get @17 -o 17.body
must flume demo.flume append 'grain 30601672' --time 90m # A hash that begins with 64b4b2.
for step in 1 2 3 4; do
    must flume demo.flume append -l run/1 --codec json \
        "{\"step\":$step,\"theta\":0.$((6 - step)),\"temp\":2$step,\"host\":\"a\"}"
done
must flume demo.flume append -l run/1 -l error --codec json '{"temp":-5,"theta":0.3,"step":5}'
must flume demo.flume append -l note --codec json '{"name":"libfoo"}' '{"name":"gcc","host":"b"}'
must flume demo.flume mark before-retune @900 -m 'damping 0.01'
must flume demo.flume mark crash run/1~3
must flume demo.flume append -l run/1 --codec json '{"step":6,"theta":0.1,"temp":25}'
must flume demo.flume append -l run/1 --codec json '{"step":7,"theta":0.1,"temp":26}'
must flume demo.flume view add temp --json-path .temp --type number
must flume demo.flume view add name --json-path .name
must flume demo.flume view add per-host --reduce count --by .host
must flume demo.flume find temp 20..30
must flume demo.flume find per-host
must flume demo.flume find name gcc
must flume demo.flume get 64b4b2
echo '%PDF' >report.pdf
must flume demo.flume blob put report.pdf --name report
seq 200000 | must flume demo.flume blob put --name numbers
batched_scope >batch.ndjson
must flume demo.flume import batch.ndjson
must flume demo.flume scope add -l sweep n=100 eps=0.1
must flume demo.flume scope add -l sweep n=100 eps=0.1
must flume demo.flume scope add -l sweep n=100 eps=0.1 solver=cg
must flume demo.flume cache put '{"n":100,"eps":0.1}' converged
must flume demo.flume view sync
must flume demo.flume export -o demo.ndjson
must flume old.flume init
must flume old.flume append 'an old one'
must flume old.flume export -o old.ndjson
! command -v zstd >/dev/null || must zstd -q old.ndjson -o part.zst
printf 'append nightly\nlog -n 1\n' >nightly.flume
printf '#!/bin/sh\nexec cat\n' >analyse
chmod +x analyse
cat >mine.c <<'END'
#include <flume/view.h>
static int apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint64_t one = 1;

    (void)state;
    return flume_batch_put(batch, 0, &record->kind, 1, &one, sizeof one);
}
static const flume_view_table tables[] = {{"kind", FLUME_TABLE_COLLECT, flume_merge_sum, NULL}};
static const flume_view_definition mine = {
    .name = "mine", .version = 1, .tables = tables, .table_count = 1, .apply = apply};
const flume_view_definition *const flume_views[] = {&mine, NULL};
END
"${CC:-cc}" -shared -fPIC -I "$here/../../include" -o mine.so mine.c 2>"$work/err" || rm -f mine.so
cd "$work" || exit 1

# ---- running one ----

# What only waits need not wait long, unless all the time in the world was given: $example, shorter.
shorten() {
    [ -z "${FLUME_TEST_LONG:-}" ] || return
    case $example in
    *'bench'*' --records '*) example=$(echo "$example" | sed 's/--records [0-9]*/--records 200/') ;;
    *'flume bench'* | bench*) example="$example --records 200" ;;
    *' stat -i 1 '* | 'stat -i 1 '*) example=$(echo "$example" | sed 's/-i 1 /-i 0.05 /') ;;
    esac
}

# What it cannot do without: true if something is missing here.
lacks() {
    for tool in journalctl zstd man jq; do
        case $example in
        *"$tool "*) [ "$tool" != journalctl ] && command -v "$tool" >/dev/null ||
            { skip "$tool"; return 0; } ;;
        esac
    done
    case $example in
    *mine.so*) [ -e prepared/mine.so ] || { skip "no compiler"; return 0; } ;;
    esac
    return 1
}

# The directory it runs in: fresh, and empty where a basin is made.
begin() {
    cd "$work" || exit 1
    rm -rf run
    case $example in
    *'flume init'* | *'demo.flume init') cp -R empty run ;;
    *) cp -R prepared run ;;
    esac
    # What is proved is sealed.
    case $example in
    *'flume prove'* | 'prove '*) rm -rf run/demo.flume && cp -R run/sealed.flume run/demo.flume ;;
    esac
    # Without --create there must be something to go into.
    case $example in
    *'new.flume import') flume run/new.flume init >out || fail "init" ;;
    esac
    cd run || exit 1
    lib_command=$1
    count=$((count + 1))
}

# It goes on until Ctrl-C: it shows a record that comes now, then ends when it is told to.
run_endless() {
    begin "$example"
    : >"$work/out"
    setsid sh -c "$example" >"$work/out" 2>"$work/err" </dev/null &
    endless=$!
    will_end $endless
    tries=0
    until [ -s "$work/out" ]; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "it shows nothing"
        flume demo.flume append -l run/1 -l error --codec json '{"temp":-3}' >/dev/null 2>&1
    done
    # SIGINT is ignored where a shell has put a command into the background.
    kill -s TERM -- "-$endless"
    wait $endless 2>/dev/null
    code=$?
    wait_until 10 sh -c "! kill -s 0 -- -$endless" # A pipe's ends are children of that shell.
    case $code in
    0 | 143) ;;
    *) fail "it ends with $code" ;;
    esac
}

run_example() {
    case $example in
    *' -f'* | *' subscribe '*)
        run_endless
        return
        ;;
    esac
    begin "$example"
    sh -c "$example" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    expect_code 0 "$example"
    ! grep -q '^error:' "$work/err" || fail "an error is reported"
    # Not every one is loud: what it shows goes into a file, or is nothing but its exit code.
    case $example in
    *' >'* | *' -o '* | *' drop '* | *'test $?'* | *'jq -e'*) ;;
    *) [ -s "$work/out" ] || [ -s "$work/err" ] || fail "it shows nothing" ;;
    esac
}

# ---- all of them ----

# Those of a text, as they are shown.
examples_of() {
    sed '1,/^for example:/d' "$1" | sed -n 's/^  //p'
}

topics="commands options refs views json modes shell keys lines exit-codes errors"
flume help commands | grep -oE '^  [a-z]+' >names
for name in $(cat names) $topics; do
    flume help "$name" >help 2>err || continue # A topic that there is not.
    examples_of help >examples
    while IFS= read -r example <&3; do
        lacks && continue
        shorten
        run_example
        cd "$work" || exit 1
    done 3<examples

    # In the shell.
    [ "$name" != init ] || continue
    echo "help $name" | flume prepared/demo.flume >help 2>err || fail "help $name in the shell"
    examples_of help >lines
    expect_same "$(wc -l <examples)" "$(wc -l <lines)" "examples of $name"
    while IFS= read -r example <&3; do
        case $example in
        !* | *' -f'* | 'subscribe '* | bench*) continue ;;
        esac
        lacks && continue
        shorten
        begin "$example"
        flume demo.flume -c "$example" >"$work/out" 2>"$work/err" </dev/null
        code=$?
        expect_code 0 "$example"
        cd "$work" || exit 1
    done 3<lines
done
cd "$work" || exit 1

# To begin: one after another, where there is nothing yet.
flume help >help
sed '1,/^to begin:/d;/^$/,$d' help >beginning
expect_same 5 "$(wc -l <beginning)" "lines to begin with"
rm -rf run
mkdir run
cd run || exit 1
while IFS= read -r example; do
    lib_command=$example
    sh -c "$example" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    expect_code 0
    [ -s "$work/out" ] || fail "it shows nothing"
    count=$((count + 1))
done <"$work/beginning"
grep -q 'first light' "$work/out" || fail "the last one does not find the first one's record"

# The same at a prompt on an empty basin.
flume b.flume init >/dev/null
echo help | flume b.flume | sed '1,/^to begin:/d;/^$/,$d' >"$work/beginning"
expect_same 5 "$(wc -l <"$work/beginning")" "lines to begin with in the shell"
flume b.flume <"$work/beginning" >"$work/out" 2>"$work/err"
code=$?
expect_code 0
echo "$count examples, $skipped left out"
