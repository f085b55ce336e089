# run: a command is run once, and what it wrote, byte for byte, and its exit code come from the log from then on;
# what it is the same by is its words and what was said of it; failures are not recorded, unless asked for.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/run_lib.sh"

FLUME_DB=a.flume
export FLUME_DB

head_of() {
    "$FLUME" a.flume info --json | jq .head
}
recorded() {
    "$FLUME" a.flume log --kind scope --kind blob --kind link --json | wc -l
}

expect 125 run -- true
expect_err_has "a.flume"
expect 0 run --create -- true
expect_no_out
expect_no_err

# ---- once, then from the log ----

for i in 1 2 3; do
    expect 0 run -l sweep --scope n=100 --scope eps=0.1 -- ./count a sh -c 'echo out; echo err >&2'
    expect_out "out
"
    expect_same err "$(cat err)" "standard error"
    [ "$i" -gt 1 ] || before=$(recorded)
done
expect_runs a 1
expect_same "$before" "$(recorded)" "a replay records nothing"
expect 0 cache stat --json
expect_jq out '.hits == 2 and .misses == 2' # And one was made with true.
expect 0 scope list -l sweep --json
expect_jq out '.verdict == "new" and .count == 1 and .variables ==
    {argv:["./count","a","sh","-c","echo out; echo err >&2"], n:100, eps:0.1}'
expect 0 scope show sweep
expect 0 run --json -l sweep --scope n=100 --scope eps=0.1 -- ./count a sh -c 'echo out; echo err >&2'
seq=$(sed -n 's/.*"seq":\([0-9]*\).*/\1/p' err)
expect 0 cache get "@$seq"
expect_jq out '.run == 1 and .exit == 0 and .stdout.bytes == 4 and .stderr.bytes == 4'

# ---- what it is the same by ----

runs=1
again() { # again WANTED WORD...: whether it runs, 1, or not, 0.
    runs=$((runs + $1))
    shift
    expect 0 run "$@"
    expect_runs a "$runs"
}
again 1 -l sweep --scope n=101 --scope eps=0.1 -- ./count a true
again 0 -l sweep --scope eps=0.1 --scope n=101 -- ./count a true
again 1 -l sweep --scope n=101.0 --scope eps=0.1 -- ./count a true
again 1 -l other --scope n=101 --scope eps=0.1 -- ./count a true
again 1 -l sweep --scope n=101 --scope eps=0.1 -- ./count a true x
again 1 -- ./count a sh -c 'exit 0' "$(printf 'a\nb\001\377')" ''
again 0 -- ./count a sh -c 'exit 0' "$(printf 'a\nb\001\377')" ''
again 1 -- ./count a sh -c 'exit 0' "$(printf 'a\nb\001\376')" ''
long=$(head -c 5000 /dev/zero | tr '\0' x)
again 1 -- ./count a true "$long"
again 0 -- ./count a true "$long"
again 1 -- ./count a true "${long}x"
many=$(seq 3000)
# shellcheck disable=SC2086 # Many words.
again 1 -- ./count a true $many
# shellcheck disable=SC2086
again 0 -- ./count a true $many
again 0 --scope '{"n":101,"eps":0.1}' -l sweep ./count a true
# Behind the command's name no option is flume's.
again 1 ./count a echo -l --force -- -q
expect_out "-l --force -- -q
"
again 0 -- ./count a echo -l --force -- -q

export RUN_TEST=1
again 1 --env RUN_TEST -- ./count a true
again 0 --env RUN_TEST -- ./count a true
RUN_TEST=
again 1 --env RUN_TEST -- ./count a true
unset RUN_TEST
again 1 --env RUN_TEST -- ./count a true
again 0 --env RUN_TEST -- ./count a true
again 1 --cwd -- ./count a true
mkdir -p elsewhere
lib_command="run --cwd elsewhere"
(cd elsewhere && cp ../count . && "$FLUME" ../a.flume run --cwd -- ./count a true) || fail "--cwd"
[ -s elsewhere/a.runs ] || fail "another directory is another scope"

# ---- standard input ----

expect 0 run -- cat
expect_no_out
for i in 1 2; do
    printf 'given' | run run --in - -- ./count b cat
    expect_code 0
    expect_out given
done
expect_runs b 1
printf 'other' | run run --in - -- ./count b cat
expect_out other
expect_runs b 2

# ---- failures ----

for i in 1 2; do
    expect 3 run -- ./count c sh -c 'echo no; exit 3'
    expect_out "no
"
done
expect_runs c 2
expect 139 run -- ./count c sh -c 'kill -SEGV $$'
expect_runs c 3
for i in 1 2; do
    expect 3 run --cache-failures -- ./count c sh -c 'echo no; exit 3'
    expect_out "no
"
done
expect_runs c 4
expect 3 run -- ./count c sh -c 'echo no; exit 3' # Who does not ask for failures gets none.
expect_runs c 5
for i in 1 2; do
    expect 143 run --cache-failures -- ./count c sh -c 'kill -TERM $$'
done
expect_runs c 6

# ---- what flume itself cannot do is told apart ----

before=$(recorded)
expect 127 run -- ./nowhere
expect_err_has "there is no such command"
: >plain
expect 126 run -- ./plain
expect_err_has "cannot be executed"
expect 126 run -- .
expect 125 run
expect 125 run --bogus -- true
expect 125 run --scope argv=1 -- true
expect_err_has "run sets by itself"
expect 125 run --scope in/x=1 -- true
expect 125 run --scope n=1 --scope n=2 -- true
expect 125 run --env A=B -- true
expect 125 run --in missing -- true
expect 125 run --in . -- true
printf x >"$(printf 'odd\377')"
expect 125 run --in "$(printf 'odd\377')" -- true
expect_err_has "is not UTF-8"
# shellcheck disable=SC2046 # Many words.
expect 125 run -- true $(seq 65536)
expect_err_has "at most 65535"
expect 125 run --in - --scope - -- true
expect 125 missing.flume run -- true
expect 125 run --json --in missing -- true
expect_jq err '.type == "error" and .code == 125 and .name == "io"'
expect_same "$before" "$(recorded)" "nothing of these was recorded"
expect 0 run --help
expect 7 missing.flume info # Elsewhere the codes are as ever.

# ---- within another one ----

cat >within <<'END'
#!/bin/sh
"$FLUME" run "$@" -- ./count w echo inside
"$FLUME" run -- ./within
echo $?
END
chmod +x within
export FLUME
expect 0 run -- ./within
expect_out "inside
125
"
expect_err_has "it would wait for itself"
expect_runs w 1

# ---- --force ----

printf 1 >number
expect 0 run -- cat number
printf 2 >number
expect 0 run -- cat number
expect_out 1
expect 0 run --force -- cat number
expect_out 2
expect 0 run -- cat number
expect_out 2
expect 0 scope find argv/0=cat argv/1=number --json
expect_same 2 "$(jq -s '.[0].count' out)" "commits of what was run twice"

# ---- --explain, -v, --json ----

before=$(head_of)
expect 1 run --explain -l sweep --scope n=100 --scope eps=0.2 --json -- ./count a sh -c 'echo out; echo err >&2'
expect_jq out '.key == "eps" and .state == "differs" and .value == 0.2 and .other == 0.1'
expect 1 run --explain --json -- cat number more
expect_jq out '.key == "argv/2" and .state == "new" and .value == "more"'
expect 0 run --explain -- cat number
expect_no_out
expect_err_has "it would be replayed: @"
expect 1 run --explain -- ./never
expect_err_has "it would run"
expect_same "$before" "$(head_of)" "explaining appends nothing"
[ ! -e never ] || fail "it ran"
expect 0 run -v -- cat number
expect_err_has "replayed: @"
expect 0 run -v -- echo new
expect_err_has "ran: @"
expect 4 run -v -- sh -c 'exit 4'
expect_err_has "ran, not recorded: it failed; exit code 4"
expect 4 run --json -- sh -c 'exit 4'
expect_jq err '.what == "ran" and (.recorded | not) and .why == "it failed" and .exit == 4'
expect 0 run --json -- echo new
expect_out "new
"
expect_json err
expect_jq err '.type == "run" and .what == "replayed" and .recorded and .exit == 0 and .seq > 0'
expect 0 explain run -- echo new
expect_out_has "it is replayed"

# ---- forgetting, and what cannot be understood ----

seq=$("$FLUME" run --json -- echo new 2>&1 >/dev/null | jq .seq)
address=$("$FLUME" cache list --json | jq -r "select(.seq == $seq) | .address")
expect 0 cache get "$address"
good=$(cat out)
for bad in 'no result' '[]' '{"run":1}' "$(echo "$good" | sed 's/"run":1/"run":2/')" \
    "$(echo "$good" | sed 's/"exit":0/"exit":256/')" "$(echo "$good" | sed 's/"ns":/"ns":-/')" \
    "$(echo "$good" | sed 's/"order":\[[0-9]/"order":[-1/')" \
    "$(echo "$good" | jq -c '.order = [range(5000)]')" "$(echo "$good" | jq -c '.order = {}')" \
    "$(echo "$good" | jq -c '.stdout.blob = "0"')" "$(echo "$good" | jq -c '.stdout.bytes = 99')" \
    "$(echo "$good" | jq -c '.files = [{"name":"","mode":420,"bytes":0}]')" \
    "$(echo "$good" | jq -c '.files = [{"name":"x","mode":2541,"bytes":0}]')"; do
    expect 0 cache put "$address" "$bad"
    expect 125 run -- echo new
    expect_err_has "--force"
done
expect 0 cache put "$address" "$(echo "$good" | jq -c '.stdout.blob = ("00" * 32)')"
expect 125 run -- echo new
expect_no_out
expect 0 run --force -- echo new
expect 0 run -- echo new
expect_out "new
"
expect 0 cache forget "$address"
expect 0 run --json -- echo new
expect_jq err '.what == "ran"'

# ---- at the prompt ----

printf 'run --scope p=1 -- ./count p echo one\nrun --scope p=1 -- ./count p echo one\nget _ --meta\n' >lines
lib_command="flume a.flume <lines"
"$FLUME" a.flume --json <lines >out 2>err || fail "lines"
expect_same "one one" "$(sed -n '1,2p' out | xargs)" "at the prompt"
expect_runs p 1
expect_jq err '.what == "ran"'
expect_jq err '.what == "replayed"'
tail -n 1 out | jq -e '.kind == "value"' >/dev/null || fail "_ is the result"
printf 'run -- sh -c "echo to a file" > written\nrun -- sh -c "seq 5" | tail -n 1\n' >lines
"$FLUME" a.flume <lines >out 2>err || fail "lines with redirections"
expect_same "to a file" "$(cat written)" "a redirection"
expect_out "5
"
