# run: of several at once one runs, and the others get its result or take over; signals are sent on to the command,
# and what is stopped or killed leaves nothing behind that would be replayed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/run_lib.sh"

FLUME_DB=a.flume
export FLUME_DB
expect 0 init

# Begins, says so, and goes on when it may: wait NAME.
cat >wait <<'END'
#!/bin/sh
echo $$ >>"$1.runs"
while [ ! -e "$1.go" ]; do sleep 0.02; done
echo "result $1"
END
chmod +x wait
# begin FILE WORD...: in the background; $! is its process.
begin() {
    begin_file=$1
    shift
    lib_command="flume run $*"
    "$FLUME" run "$@" >"$begin_file.out" 2>"$begin_file.err" </dev/null &
    begun=$!
    will_end $begun
}
# ended PROCESS CODE
ended() {
    wait "$1" 2>/dev/null
    code=$?
    expect_code "$2"
}
is_gone() {
    ! kill -0 "$1" 2>/dev/null
}
says_waiting() {
    grep -q 'another flume run is at it' "$1"
}

# ---- of several at once ----

begin 1 -- ./wait same
first=$begun
wait_until 10 has_lines same.runs 1
begin 2 -v -- ./wait same
second=$begun
wait_until 10 says_waiting 2.err
begin 3 -v -- ./wait same
third=$begun
wait_until 10 says_waiting 3.err
expect 125 run --timeout 0.01 -- ./wait same
expect_err_has "longer than --timeout"
begin 4 -- ./wait other # That is another one.
other=$begun
wait_until 10 has_lines other.runs 1
: >other.go
ended $other 0
: >same.go
ended $first 0
ended $second 0
ended $third 0
expect_runs same 1
for i in 1 2 3; do
    expect_same "result same" "$(cat $i.out)" "what $i was given"
done
grep -q 'replayed: @' 2.err || fail "the second one has not replayed it"

# ---- who waits takes over ----

begin 1 -- ./wait killed
first=$begun
wait_until 10 has_lines killed.runs 1
child=$(cat killed.runs)
begin 2 -v -- ./wait killed
second=$begun
wait_until 10 says_waiting 2.err
kill -KILL $first
ended $first 137
wait_until 10 has_lines killed.runs 2
wait_until 10 is_gone "$child" # It does not go on beside.
: >killed.go
ended $second 0
expect_same "result killed" "$(cat 2.out)"
expect_runs killed 2
# One whose runner fails runs by itself.
begin 1 -- sh -c 'echo x >>failing.runs; while [ ! -e failing.go ]; do sleep 0.02; done; exit 3'
first=$begun
wait_until 10 has_lines failing.runs 1
begin 2 -v -- sh -c 'echo x >>failing.runs; while [ ! -e failing.go ]; do sleep 0.02; done; exit 3'
second=$begun
wait_until 10 says_waiting 2.err
: >failing.go
ended $first 3
ended $second 3
expect_runs failing 2
# Who waits can be told to stop.
begin 1 -- ./wait long
first=$begun
wait_until 10 has_lines long.runs 1
begin 2 -v -- ./wait long
second=$begun
wait_until 10 says_waiting 2.err
kill -TERM $second
ended $second 143
grep -q 'nothing was run' 2.err || fail "it does not say so"

# ---- signals ----

kill -TERM $first
ended $first 143
grep -q 'nothing was recorded' 1.err || fail "it does not say so"
wait_until 10 is_gone "$(cat long.runs)"
: >long.go
expect 0 run --json -- ./wait long
expect_jq err '.what == "ran"'
# Each is sent on, and the command is waited for, however it takes them.
cat >stubborn <<'END'
#!/bin/sh
trap 'echo int' INT
trap 'echo term; : >ending' TERM
echo $$ >stubborn.runs
while [ ! -e ending ]; do sleep 0.02; done
echo ended
exit 0
END
chmod +x stubborn
# A shell has background commands ignore SIGINT, what has a session of its own does not.
begin_session() {
    setsid python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$FLUME" run -- ./stubborn >1.out 2>1.err </dev/null &
    begun=$!
    will_end $begun
}
if command -v python3 >/dev/null; then
    begin_session
    wait_until 10 has_lines stubborn.runs 1
    for i in 1 2 3; do
        kill -INT $begun
        wait_until 10 has_lines 1.out $i
    done
    kill -TERM $begun
    ended $begun 130 # Of the first one.
    expect_same "int int int term ended" "$(xargs <1.out)" "what the command was sent"
    expect 1 run --explain -- ./stubborn
fi
# A kill in the middle, of flume and of what it runs: nothing of it is replayed.
printf 'old' >file
begin 1 --out file -- sh -c 'printf begun >file; echo x >>half.runs; head -c 3000000 /dev/zero
    while [ ! -e half.go ]; do sleep 0.02; done; printf ended >file'
wait_until 10 has_lines half.runs 1
kill -KILL $begun
ended $begun 137
: >half.go
expect 0 run --json --out file -- sh -c 'printf begun >file; echo x >>half.runs; head -c 3000000 /dev/zero
    while [ ! -e half.go ]; do sleep 0.02; done; printf ended >file'
expect_jq err '.what == "ran"'
expect_same 3000000 "$(wc -c <out)" "all of it"
expect_same ended "$(cat file)"
expect_runs half 2
expect 0 check
