# Typing at the prompt: wide characters, lines that wrap, Ctrl-C, several lines, Ctrl-R, hints, Tab.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"

expect 0 a.flume append --create -q -l run/1 -l run/2 -l note one two three

for columns in 80 200; do
    screen_start $columns 24 a.flume
    screen_wait 5 'flume>'

    # Wide characters, typed and then edited in the middle of the line.
    screen_type 'append 日本 é 🎉 end'
    screen_wait 5 'append 日本 é 🎉 end'
    screen_keys Left Left Left BSpace BSpace
    screen_type '語🎈'
    screen_wait_row 5 '^flume> append 日本 é 語🎈end$'
    screen_keys Home C-Right
    screen_type ' x'
    screen_wait_row 5 '^flume> append x 日本 é 語🎈end$'
    screen_keys Enter
    screen_wait_row 5 '^@[0-9]+ '
    expect 0 a.flume get last~3
    expect 0 a.flume log -n 4 last~3.. --json
    expect_jq out '.payload == "日本"'
    expect_jq out '.payload == "語🎈end"'

    # A line longer than the screen is wide, with wide characters at the margin, cut back and taken.
    long=$(printf '%0.s漢字' $(seq 60))
    screen_type "append -l long $long"
    screen_keys Home C-k
    screen_wait_row 5 '^flume>$'
    screen_type "append -l long $long"
    screen_keys BSpace BSpace Enter
    wait_until 5 "$FLUME" a.flume get long
    expect 0 a.flume get long
    expect_same "${long%漢字}" "$(cat out)" "a long line that was edited"
    [ $columns = 80 ] || continue

    # Ctrl-C drops the line, and all lines of a quote.
    screen_enter 'info'
    screen_type 'append dropped'
    screen_keys C-c
    screen_wait 5 'append dropped^C'
    screen_enter "append 'one"
    screen_wait_row 5 '^quote>$'
    screen_enter two
    screen_keys C-c
    screen_wait_row 5 '^flume>$'
    screen_enter '.set'
    screen_wait 5 'setting'
    screen_enter 'append {"a":'
    screen_wait_row 5 '^json>$'
    screen_enter '1}'
    screen_wait_row 5 '^@[0-9]+ +8'
    screen_enter 'append -l doc <<TEXT'
    screen_wait_row 5 '^TEXT>$'
    screen_enter 'first line'
    screen_enter '  second | line'
    screen_enter 'TEXT'
    wait_until 5 "$FLUME" a.flume get doc
    expect 0 a.flume get doc
    expect_out 'first line
  second | line'
    expect 1 a.flume log --grep dropped

    # What was several lines comes back as one, and runs again.
    screen_keys Up
    screen_wait 5 'second | line'
    screen_keys C-c

    # Ctrl-R finds an earlier line.
    screen_keys C-r
    screen_type 'json'
    screen_keys C-c
    screen_keys C-r
    screen_type 'info'
    screen_wait 5 'bck:info'
    screen_keys Enter
    screen_wait 5 'a.flume'
    screen_keys C-c
done

# Ctrl-D behind something is no end.
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_type 'inf'
screen_keys C-d
screen_type 'o'
screen_keys Enter
screen_wait_row 5 '^head '
# An empty line is nothing; Ctrl-C between is nothing.
screen_keys Enter C-c C-c Enter
screen_enter 'get first'
screen_wait_row 5 '^one$'

# Hints stand behind the cursor, and go where they are not wanted.
screen_keys C-l
screen_type 'get '
screen_wait 5 'flume> get R'
screen_type '@1'
screen_keys Left
screen_wait_row 5 '^flume> get @1$'
screen_keys C-c
screen_enter '.hints off'
screen_type 'get '
screen_wait_row 5 '^flume> get$'
screen_keys C-c
FLUME_HINTS=0 screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_type 'get '
screen_wait_row 5 '^flume> get$'
NO_COLOR=1 screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_type 'get '
screen_wait_row 5 '^flume> get$'

# Tab: the one that fits, what all have in common, a list of candidates.
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_type 'exp'
screen_keys Tab
screen_wait 5 'flume> exp'
screen_keys Tab
screen_wait_row 5 '^explain '
screen_wait_row 5 '^export '
screen_type 'l'
screen_keys Tab
screen_wait 5 'flume> explain '
screen_keys C-c
screen_type 'log -l ru'
screen_keys Tab
screen_wait 5 'flume> log -l run/'
screen_keys Tab
screen_wait_row 5 '^run/1 '
screen_wait_row 5 '^run/2 '
screen_type '2'
screen_keys Enter
screen_wait_row 5 'three$'
# More than a screen of candidates is bounded.
seq 300 | sed 's|.*|append -q -l l/& x|' | expect 0 a.flume
screen_enter 'label count'
screen_wait_row 5 '^ *[0-9]+ '
screen_keys C-l
screen_type 'log -l l/'
screen_keys Tab
screen_wait 5 ' more'
screen_wait 5 'flume> log -l l/'
screen_keys C-c

# What a person has set for all programs of libedit holds here too.
echo 'bind ^T ed-move-to-beg' >"$work/.editrc"
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_type '1 3'
screen_keys C-t
screen_type 'log @'
screen_wait 5 'flume> log @1 3'
screen_keys C-c

# A terminal that knows no escape sequences gets none.
command -v script >/dev/null || exit 0
mkfifo typed
TERM=dumb script -qec "'$FLUME' a.flume" /dev/null <typed >out 2>err &
will_end $!
exec 9>typed
wait_until 20 grep -q 'flume>' out
printf 'get first\r' >&9
wait_until 20 grep -q one out
printf '\004' >&9
exec 9>&-
wait $!
expect_out_has one
grep -q "$(printf '\033')" out && fail "an escape sequence on a dumb terminal"
exit 0
