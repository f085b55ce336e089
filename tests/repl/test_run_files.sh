# run: files that a command reads count by their content, and those that it writes are recorded and given back,
# whole and with their permissions; output of any kind and size, live, and in the order in which it came.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/run_lib.sh"

FLUME_DB=a.flume
export FLUME_DB
expect 0 init
umask 022


# ---- --in ----

mkdir -p data
printf one >data/in
for i in 1 2; do
    expect 0 run --in data/in -- ./count in cat data/in
    expect_out one
done
printf two >data/in
expect 0 run --in data/in -- ./count in cat data/in
expect_out two
printf one >data/in # As it was before.
expect 0 run --in data/in -- ./count in cat data/in
expect_out one
expect_runs in 2
cp data/in data/same
expect 0 run --in data/same -- ./count in cat data/in # Its name counts, too.
expect_runs in 3
expect 0 run --in data/in -- sh -c 'echo more >>data/in'
expect_err_has "data/in has changed since"
expect 1 run --in data/in --explain -- sh -c 'echo more >>data/in'
expect 125 run --in data/in --out data/in -- true
expect_err_has "what the command reads, or what it writes"
mkfifo fifo
expect 125 run --in fifo -- true

# ---- --out ----

expect 0 run --out made/a --out b -- ./count out sh -c \
    'mkdir -p made; printf "a\0b" >made/a; echo c >b; chmod 750 b; echo done'
expect_out "done
"
cp made/a wanted
replay_out() {
    expect 0 run --out b --out made/a -- ./count out sh -c \
        'mkdir -p made; printf "a\0b" >made/a; echo c >b; chmod 750 b; echo done'
    expect_out "done
"
    expect_runs out 1
    expect_same_files wanted made/a
    expect_same "c 750" "$(cat b) $(stat -Lc %a b)" "content and permissions of b"
}
rm -r made b
replay_out
expect_no_err
expect_same 644 "$(stat -c %a made/a)" "permissions of a"
# What is there is replaced, and said to be; what is there already is as if it had just been written.
echo edited >b
chmod 600 b
touch -d '2001-01-01' made/a
inode=$(stat -c %i made/a)
replay_out
expect_err_has "b is replaced: it had another content"
[ "$(grep -c replaced err)" -eq 1 ] || fail "made/a has the same content"
expect_same "$inode" "$(stat -c %i made/a)" "the file itself"
[ made/a -nt wanted ] || fail "made/a is new"
rm b
mkdir -p real
echo old >real/b
ln -s real/b b
replay_out
[ -L b ] || fail "what a link leads to is written, not the link"
rm b
# One file that cannot be written: none is.
rm made/a
mkdir b
expect 125 run --out b --out made/a -- ./count out sh -c \
    'mkdir -p made; printf "a\0b" >made/a; echo c >b; chmod 750 b; echo done'
expect_no_out
[ ! -e made/a ] || fail "half of the files were given back"
ls -A made | grep -q . && fail "something was left behind"
rmdir b

# What the command does not write is an error, and nothing is recorded.
before=$("$FLUME" a.flume info --json | jq .head)
expect 125 run --out missing -- echo text
expect_out "text
"
expect_err_has "the command has not written missing"
echo before >old
expect 125 run --out old -- echo text
expect_err_has "has left old as it was"
expect 125 run --out made -- true
expect 125 run --out x/ -- true
expect 125 run --out directory -- mkdir directory
expect 1 run --explain --out missing -- echo text
expect 0 log --kind scope --kind link "@$before.." --no-fail-empty
expect_no_out
expect 5 run --out missing -- sh -c 'exit 5' # Who fails need not have written it.
expect 5 run --cache-failures --out missing --out some -- sh -c 'echo s >some; exit 5'
rm some
expect 5 run --cache-failures --out missing --out some -- sh -c 'echo s >some; exit 5'
expect_same s "$(cat some)" "a file of what failed"
expect 0 run --out empty -- sh -c ': >empty'
rm empty
expect 0 run --out empty -- sh -c ': >empty'
[ -f empty ] && [ ! -s empty ] || fail "an empty file"

# ---- what is written ----

expect 0 run -- printf 'no newline'
expect 0 run -- printf 'no newline'
expect_out "no newline"
head -c 3000000 /dev/urandom >bytes
for i in 1 2; do
    expect 0 run --out copy -- ./count bytes sh -c 'cat bytes; cat bytes >copy; cat bytes >&2'
    expect_same_files bytes out "standard output"
    expect_same_files bytes err "standard error"
    expect_same_files bytes copy "a file"
    rm copy
done
expect_runs bytes 1
# The order in which it came: the second line is written when the first was shown.
cat >turns <<'END'
#!/bin/sh
turn() {
    echo "$1"
    while ! grep -q "$1" shown; do sleep 0.01; done
}
turn a; turn b >&2; turn c; turn d >&2
END
chmod +x turns
for i in 1 2; do
    lib_command="run -- ./turns"
    : >shown
    timeout 30 "$FLUME" run -- ./turns >shown 2>&1
    code=$?
    expect_code 0
    expect_same "a b c d" "$(xargs <shown)" "lines in their order"
done

# ---- what is not all of it ----

expect 0 run -v -- sh -c '(sleep 60 & echo $! >left); echo began'
kill "$(cat left)" 2>/dev/null
expect_out "began
"
expect_err_has "may go on writing"
expect 1 run --explain -- sh -c '(sleep 60 & echo $! >left); echo began'
expect 0 run -v -- sh -c '(sleep 0.05; echo later) & echo began'
expect_err_has "ran: @"
expect 0 run -- sh -c '(sleep 0.05; echo later) & echo began'
expect_out "began
later
"
for i in 1 2; do
    { timeout 30 "$FLUME" run -- ./count yes yes; echo $? >code; } | head -n 1 >out
    expect_same "y 141" "$(cat out code | xargs)" "a pipe that is closed"
    expect_runs yes $i
done
expect 0 run -- ./count seq seq 100000
{ "$FLUME" run -- ./count seq seq 100000; echo $? >code; } | head -n 1 >out
expect_same "1 141" "$(cat out code | xargs)" "a pipe that is closed while it is replayed"
expect_runs seq 1
if [ -w /dev/full ]; then
    "$FLUME" run -- ./count full echo text 2>err >/dev/full
    code=$?
    expect_code 125
    expect_err_has "No space left"
    expect 0 run -- ./count full echo text
    expect_runs full 2
fi

# ---- memory does not grow with what is written ----

bytes=20000000
[ -z "${FLUME_TEST_LONG:-}" ] || bytes=200000000
for i in 1 2; do
    lib_command="run -- ./count large"
    (
        # Half of it, for all stacks and heaps together; a sanitizer takes more for itself.
        [ -z "${FLUME_TEST_LONG:-}" ] || ulimit -d 100000
        exec "$FLUME" run -- ./count large head -c $bytes /dev/zero
    ) >out 2>err || fail "much output"
    expect_same $bytes "$(wc -c <out)" "bytes of much output"
done
expect_runs large 1
rm out
