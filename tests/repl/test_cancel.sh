# Ctrl-C (SIGINT) in the midst of a command: it ends with 130, says in one line what was done, and
# leaves nothing half-done.
. "$(dirname "$0")/lib.sh"

seq 60000 | sed 's/.*/{"n":&,"text":"some more bytes for each record, so that pipes fill"}/' >bodies
expect 0 a.flume append --create --each json -l run/1 -q <bodies
expect 0 a.flume info --json
head=$(jq .head out)

# interrupted_by LINES WORD...: run the program with its stdout in a pipe whose reader takes so many
# lines, sends SIGINT and takes the rest: the program has far more to say than a pipe holds, so it is
# in the midst. Sets $code; what it wrote is in $work/out and $work/err.
interrupted_by() {
    lib_lines=$1
    shift
    lib_command="(interrupted) flume $*"
    rm -f "$work/.lib/pipe"
    mkfifo "$work/.lib/pipe"
    "$FLUME" "$@" >"$work/.lib/pipe" 2>"$work/err" &
    lib_process=$!
    will_end $lib_process
    awk -v lines="$lib_lines" -v process=$lib_process '
        { print }
        NR == lines { system("kill -INT " process) }' "$work/.lib/pipe" >"$work/out"
    wait $lib_process
    code=$?
    expect_code 130
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "one line on stderr expected"
}

interrupted_by 10 a.flume log
expect_err_has "cancelled: "
expect_err_has " records shown"
shown=$(wc -l <out)
[ "$shown" -lt "$head" ] || fail "the log was shown to its end"
interrupted_by 10 a.flume log --json
expect_json err
expect_jq err '.type == "cancelled" and .code == 130 and .done > 0 and .unit == "records"'
expect_json out
expect_same "$(wc -l <out)" "$(jq .done err)" "records shown"
interrupted_by 10 a.flume log --reverse --mode raw
interrupted_by 10 a.flume log --grep bytes
interrupted_by 10 a.flume find label run/1
expect_err_has " records shown"
interrupted_by 10 a.flume label show run/1
expect_err_has " records shown"
interrupted_by 10 a.flume view rows hash
expect_err_has " rows shown"
interrupted_by 10 a.flume view rows label --json
expect_jq err '.type == "cancelled" and .done > 0'

# Export: what is on stdout is whole lines, and the message says how to go on.
interrupted_by 10 a.flume export
expect_err_has " records exported; the rest: export @"
expect_json out
cp out part1
rest=$(sed -n 's/.*the rest: export \(@[0-9]*\.\.\).*/\1/p' err)
expect 0 a.flume export "$rest"
cat part1 out >both
expect 0 a.flume export
expect_same_files out both "the parts of an export"

# A large body: only a part is written.
head -c 16000000 /dev/zero | tr '\0' 'x' >large
expect 0 l.flume append --create --file large --codec raw
rm -f pipe
mkfifo pipe
"$FLUME" l.flume get last >pipe 2>err &
process=$!
will_end $process
{
    head -c 1000 >part
    kill -INT $process
    cat >>part
} <pipe
wait $process
expect_same 130 $? "exit code of get"
[ "$(wc -c <part)" -lt 16000000 ] || fail "the body was written to its end"
grep -q "^cancelled: 0 of 1 records shown" err || fail "what was shown: $(cat err)"

# From a slow stdin: what was appended stays.
rm -f pipe
mkfifo pipe
"$FLUME" s.flume append --create --each line <pipe >out 2>err &
process=$!
will_end $process
exec 9>pipe
printf 'one\ntwo\n' >&9
wait_until 10 has_lines out 2
kill -INT $process
wait $process
code=$?
expect_code 130 "append"
exec 9>&-
grep -q "^cancelled: 2 records appended" err || fail "what was appended: $(cat err)"
expect 0 s.flume log --mode raw
expect_out "one
two
"

# Import: what was imported stays, and the message names the command for the rest.
expect 0 a.flume export -o all.ndjson
rm -f pipe
mkfifo pipe
"$FLUME" i.flume import --create --json <pipe >out 2>err &
process=$!
will_end $process
exec 9>pipe
head -n 1000 all.ndjson >&9
imported() {
    [ "$("$FLUME" i.flume log --no-fail-empty --json | wc -l)" -ge 900 ]
}
wait_until 10 imported
kill -INT $process
wait $process
code=$?
expect_code 130 "import"
exec 9>&-
expect_json err
expect_jq err '.type == "cancelled" and .done > 900 and (.remedy | contains("the rest: tail -n +"))'
line=$(jq -r 'select(.type == "cancelled").remedy' err | sed -n 's/.*tail -n +\([0-9]*\) .*/\1/p')
expect_same "$("$FLUME" i.flume log --json | wc -l)" "$(jq 'select(.type == "cancelled").done' err)"
tail -n +"$line" all.ndjson | expect 0 i.flume import
"$FLUME" a.flume log --mode raw >bodies.a
"$FLUME" i.flume log --mode raw >bodies.i
expect_same_files bodies.a bodies.i "the parts of an import"

# stat in an interval, and following.
"$FLUME" a.flume stat -i 0.1 >out 2>err &
process=$!
will_end $process
wait_until 10 has_lines out 2
"$FLUME" a.flume stat -i 600 >long.out 2>long.err &
long=$!
will_end $long
kill -INT $process
wait $process
expect_same 130 $? "exit code of stat"
grep -q "^cancelled: [0-9]* rows shown" err || fail "stat: $(cat err)"
attached() {
    [ "$("$FLUME" a.flume stat --json | jq '.attached | length')" -ge 2 ]
}
wait_until 10 attached
kill -INT $long
begun=$(date +%s)
wait $long
expect_same 130 $? "exit code of stat in its interval"
[ $(($(date +%s) - begun)) -lt 5 ] || fail "stat waited for its interval"

# bench takes its basin away.
mkdir tmp
TMPDIR=$work/tmp "$FLUME" bench --records 50000000 >out 2>err &
process=$!
will_end $process
basin_there() {
    ls tmp/flume-bench-*/bench.flume/log
}
wait_until 10 basin_there
kill -INT $process
wait $process
expect_same 130 $? "exit code of bench"
grep -q "^cancelled: the case 'append' was not finished" err || fail "bench: $(cat err)"
expect_same "" "$(ls tmp)" "what bench left"

# check and repair read as fast as the disk, so the moment is tried for: a stopped process is sent
# the signal and goes on. A repair that was cancelled has changed nothing.
i=0
while [ $i -lt 10 ]; do
    expect 0 c.flume append --create --file large --codec raw -q
    i=$((i + 1))
done
# in_the_midst WORD...: until one of the tries says "cancelled".
in_the_midst() {
    try=0
    while [ $try -lt 60 ]; do
        try=$((try + 1))
        "$FLUME" "$@" >out 2>err &
        process=$!
        will_end $process
        sleep "0.0$((try % 10))"
        kill -STOP $process 2>/dev/null && kill -INT $process && kill -CONT $process
        wait $process
        code=$?
        if grep -q cancelled err; then
            lib_command="(in the midst) flume $*"
            expect_code 130
            return
        fi
    done
    fail "never in the midst: $*"
}
in_the_midst c.flume check
grep -qE '^cancelled: .* read; 0 findings so far$' err || fail "check: $(cat err)"
in_the_midst c.flume check --json
expect_jq err '.type == "cancelled" and .unit == "bytes" and .total > .done'
first=$(find c.flume/log -type f | sort | head -n 1)
printf 'damage' | dd of="$first" bs=1 seek=20000000 conv=notrunc 2>/dev/null
find c.flume -type f -exec cksum {} + | sort >before
in_the_midst c.flume repair --yes
grep -qE '^cancelled: .* read; nothing was changed$' err || fail "repair: $(cat err)"
find c.flume -type f -exec cksum {} + | sort >after
expect_same_files before after "a repair that was cancelled"
expect 0 c.flume repair --yes
expect 0 c.flume check

# In a shell the prompt, or the next line, comes as if nothing had been.
make_slow_view || exit 0 # Without a compiler there is no view that is slow enough.

# cancelled WORD...: as soon as it has told of its progress.
cancelled() {
    : >err
    "$FLUME" s.flume --load slow.so "$@" --json >out 2>err &
    process=$!
    will_end $process
    wait_until 20 grep -q '"progress"' err
    kill -INT $process
    wait $process
    code=$?
    lib_command="(interrupted) flume $*"
    expect_code 130
}
seq 2000 | expect 0 s.flume append --each line -q
cancelled view rebuild slow
expect_jq err '.type == "cancelled" and
    (.message | test("the rebuild of view slow was at [1-9][0-9]*%"))'
cancelled view sync slow
expect_jq err '.type == "cancelled" and (.message | contains("view slow is "))'
expect 0 s.flume --load slow.so view rebuild slow
cancelled view verify slow
expect_jq err '.type == "cancelled" and (.message | contains("view slow"))'
