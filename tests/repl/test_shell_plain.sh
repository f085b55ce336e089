# The prompt of a program that was built without libedit: the terminal itself edits lines.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY=

# It is built beside the program; FLUME_TEST_LONG sees that the option alone does the same.
: "${FLUME_BUILD_DIR:?the directory of the build}"
if [ -n "${FLUME_TEST_LONG:-}" ] && command -v cmake >/dev/null; then
    build=$work/build
    cmake -S "$here/../.." -B "$build" -DCMAKE_BUILD_TYPE=Debug -DFLUME_LIBEDIT=OFF \
        -DFLUME_WERROR=ON -DFLUME_TESTS=OFF >"$work/out" 2>"$work/err" || fail "it cannot be configured"
    cmake --build "$build" --target flume -j 2 >"$work/out" 2>"$work/err" || fail "it cannot be built"
    FLUME=$build/flume
elif [ -x "$FLUME_BUILD_DIR/tests/flume_plain" ]; then
    FLUME=$FLUME_BUILD_DIR/tests/flume_plain
fi # Otherwise there is no libedit here, and the program itself is without.
[ -z "$(ldd "$FLUME" 2>/dev/null | grep libedit)" ] || fail "libedit is in it"
expect 0 a.flume append --create -q -l run/1 one

unset FLUME_HISTORY
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'append two'
screen_wait_row 5 '^@[0-9]+ '
# Ctrl-C drops what is typed, all lines of it.
screen_type 'append dropped'
screen_keys C-c
screen_enter "append 'and"
screen_wait_row 5 '^quote> *$'
screen_keys C-c
screen_enter 'get last'
screen_wait_row 5 '^two$'
screen_enter "append 'three"
screen_enter "four'"
screen_enter 'get last'
screen_wait_row 5 '^four$'
expect 1 a.flume log --grep dropped
# Lines of subscriptions come between; a command is stopped by Ctrl-C.
screen_enter 'subscribe run/1'
screen_wait 5 'subscription 1:'
expect 0 a.flume append -q -l run/1 '日本 between'
screen_wait 5 '日本 between'
screen_enter 'tail -f -n 1'
screen_wait 5 'Ctrl-C returns'
screen_keys C-c
screen_wait 5 'continue later'
screen_enter 'get first | cat'
screen_wait_row 5 '^one$'
screen_enter '.watch -n 1 0.1 get first'
screen_keys C-d
screen_wait 5 'ended with 0'
# What was typed is kept for another build of it.
grep -qx 'append two' "$work/.lib/state/flume/history" || fail "no history"
expect_same 600 "$(stat -c %a "$work/.lib/state/flume/history")" "the mode of the history"

screen_start 80 24 a.flume
screen_wait 5 'flume>'
kill -TERM "$(screen_pid)"
screen_wait 5 'ended with 143'
