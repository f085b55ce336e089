# History: where it is, who may read it, what is kept, and two prompts at once.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
unset FLUME_HISTORY
export FLUME_HINTS=0
expect 0 a.flume init
file=$work/.lib/state/flume/history

screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'append one'
screen_wait_row 5 '^@1 '
screen_enter ' append not kept'
screen_enter 'append one'
screen_enter 'append one'
screen_enter 'append "two'
screen_enter 'lines \\ here"'
screen_enter 'append 日本'
screen_enter 'append one'
screen_enter .quit
screen_wait 5 'ended with 0'
expect_same 600 "$(stat -c %a "$file")" "the mode of the history"
expect_same 700 "$(stat -c %a "${file%/*}")" "the mode of its directory"
cat >wanted <<'END'
append one
append "two\nlines \\\\ here"
append 日本
append one
.quit
END
expect_same_files wanted "$file" "the history"

# It is there the next time, each line once, the newest last.
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_keys Up
screen_wait_row 5 '^flume> .quit$'
screen_keys Up
screen_wait_row 5 '^flume> append one$'
screen_keys Up
screen_wait_row 5 '^flume> append 日本$'
screen_keys Up
screen_wait_row 5 'lines .* here"'
screen_keys Up Up
screen_wait_row 5 'lines .* here"'
screen_keys Enter
screen_wait_row 5 '^@[0-9]+ '
expect 0 a.flume get last
expect_out 'two
lines \ here'

# Lines of scripts are not kept; nor is what a mistake of permissions would show to others.
cp "$file" before
echo 'append scripted' | expect 0 a.flume
expect_same_files before "$file" "a script's line was kept"
screen_enter .quit
screen_wait 5 'ended with 0'
chmod 644 "$file"
screen_start 80 24 a.flume
screen_wait 5 'flume>'
wait_until 5 test "$(stat -c %a "$file")" = 600

# Two at once: neither takes the other's lines.
first_socket=$screen_socket
screen_enter 'append from-first'
screen_wait_row 5 '^@[0-9]+ '
screen_socket=$work/.lib/tmux-second
# shellcheck disable=SC2086
tmux -S "$screen_socket" -f /dev/null new-session -d -x 80 -y 24 "sh '$work/.lib/screen.sh'"
screen_wait 5 'flume>'
screen_enter 'append from-second'
screen_wait_row 5 '^@[0-9]+ '
tmux -S "$first_socket" send-keys 'append again-first' Enter
wait_until 5 grep -q again-first "$file"
screen_enter .quit
screen_wait 5 'ended with 0'
tmux -S "$first_socket" kill-server
for line in from-first from-second again-first; do
    grep -qx "append $line" "$file" || fail "a line of two prompts is gone: $line"
done

# It is bounded: what is far too long is written anew with the newest.
seq 25000 | sed 's/^/get /' >"$file"
screen_start 80 24 a.flume
screen_wait 5 'flume>'
expect_same 10000 "$(wc -l <"$file")" "entries after too many"
expect_same 'get 25000' "$(tail -n 1 "$file")" "the newest entry"
expect_same 600 "$(stat -c %a "$file")" "the mode of the history"
screen_keys Up
screen_wait_row 5 '^flume> get 25000$'
screen_keys C-c C-d
screen_wait 5 'ended with 0'

# Rubbish in the file is no reason for an error.
head -c 100000 /dev/urandom >"$file"
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'get 1'
screen_wait_row 5 '^one$'
screen_keys Up Up Up C-c C-d
screen_wait 5 'ended with 0'

# FLUME_HISTORY names another file, or none.
rm -r "$work/.lib/state"
FLUME_HISTORY= screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'append nowhere'
screen_enter .quit
screen_wait 5 'ended with 0'
[ ! -e "$work/.lib/state" ] || fail "history was kept though it is off"
FLUME_HISTORY=$work/mine screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'append here'
screen_enter .quit
screen_wait 5 'ended with 0'
expect_same 600 "$(stat -c %a mine)" "the mode of the history"
grep -qx 'append here' mine || fail "FLUME_HISTORY is not used"
# A place that cannot be written, or is no file, is none.
for place in "$work/not/there" /dev/null "$work"; do
    FLUME_HISTORY=$place screen_start 80 24 a.flume
    screen_wait 5 'flume>'
    screen_enter 'append anyway'
    screen_wait_row 5 '^@[0-9]+ '
done

# Somebody who was stopped while holding its lock keeps nobody from beginning, or from being recalled.
if command -v flock >/dev/null; then
    printf 'append earlier\n' >held
    (
        flock 9
        exec sleep 60
    ) 9>>held &
    will_end $!
    wait_until 5 sh -c '! flock -n held true'
    FLUME_HISTORY=$work/held screen_start 80 24 a.flume
    screen_wait 5 'flume>'
    screen_keys Up
    screen_wait 5 'flume> append earlier'
    screen_keys C-c
    screen_enter 'get 1'
    screen_wait_row 5 '^one$'
fi

# On a full disk (here: a file that may not be larger) no half entry stays.
program=$FLUME
FLUME=$work/limited
printf '#!/bin/sh\ntrap "" XFSZ\nulimit -f 1\nexec "%s" "$@"\n' "$program" >limited
chmod +x limited
head -c 500 /dev/zero | tr '\0' x >full
echo >>full
cp full wanted
FLUME_HISTORY=$work/full screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'get 1 --mode raw'
screen_wait_row 5 '^one$'
screen_wait_row 5 '^flume>$'
FLUME=$program
expect_same_files wanted full "the history on a full disk"
