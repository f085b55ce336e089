# The program among others: pipes that close, full disks, input of any bytes.
. "$(dirname "$0")/lib.sh"

seq 1 200000 | expect 0 a.flume append --create --each line -q

# A reader that goes away ends the program quietly, with 141.
{
    "$FLUME" a.flume log --mode raw 2>err
    echo $? >status
} | head -n 1 >out
expect_out "1
"
expect_same 141 "$(cat status)" "the exit code after | head"
expect_no_err
# Also where whoever started it has the signal ignored.
{
    (
        trap '' PIPE
        exec "$FLUME" a.flume log --mode raw 2>err
    )
    echo $? >status
} | head -n 1 >out
expect_same 141 "$(cat status)" "the exit code after | head, SIGPIPE ignored"

# Output that cannot be written is an error.
if [ -c /dev/full ]; then
    "$FLUME" a.flume log >/dev/full 2>err
    expect_same 6 $? "the exit code on a full disk"
    expect_err_has "output cannot be written"
    "$FLUME" a.flume get last >/dev/full 2>err
    expect_same 6 $?
    "$FLUME" help >/dev/full 2>err
    expect_same 6 $?
    "$FLUME" a.flume export >/dev/full 2>err
    expect_same 6 $?
fi

# Without a terminal: no bar, no colour, nothing on stderr.
expect 0 a.flume check
grep -q "$(printf '[\033\r]')" out err && fail "a bar or colour off a terminal"
expect 0 a.flume log -n 1
expect_no_err
expect 0 a.flume export -q
expect_no_err

# Any bytes are a legal record, also as lines.
head -c 300000 /dev/urandom >random
expect 0 r.flume append --create --each line -q <random
expect 0 r.flume log --mode raw
cat random >wanted
[ -z "$(tail -c 1 random | tr -d '\n')" ] || echo >>wanted
expect_same_files wanted out "lines of any bytes"
expect 0 r.flume log --json
expect_json out
expect 0 r.flume log --mode plain
expect_same "$(wc -l <wanted)" "$(wc -l <out)" "a row for each record"

# A JSON reader gets valid lines whatever the bytes are: each byte in a record of its own.
expect 0 bytes.flume init
LC_ALL=C awk 'BEGIN { for (i = 1; i < 256; i++) printf "%c\n", i }' >all
expect 0 bytes.flume append --each line -q <all
expect 0 bytes.flume log --json
expect_json out

# Reading does not stand in a writer's way, nor the other way round.
expect 0 a.flume append -q 'one to begin with'
"$FLUME" a.flume tail -f -n 1 --mode raw >tailed 2>/dev/null &
child=$!
will_end $child
wait_until 10 has_lines tailed 1
seq 1 20000 | "$FLUME" a.flume append --each line -q &
one=$!
seq 1 20000 | "$FLUME" a.flume append --each line -q &
two=$!
expect 0 a.flume log -n 1000
wait $one || fail "the first writer"
wait $two || fail "the second writer"
wait_until 30 has_lines tailed 40001
kill -TERM $child
tail -n +2 tailed >followed
expect_same 40000 "$(wc -l <followed)" "records followed"
sort -n followed | uniq -c | awk '$1 != 2 { exit 1 }' || fail "a record is missing or there twice"
