# subscribe: lines that come by themselves, above the line being typed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY=
expect 0 a.flume append --create -q -l run/1 -l note one

for columns in 80 200; do
    screen_start $columns 24 a.flume
    screen_wait 5 'flume>'
    screen_enter 'subscribe run/1 日本'
    screen_wait 5 'subscription 1:'
    # The line and the cursor in its middle stay.
    screen_type 'append 語 é end'
    screen_keys Left Left
    expect 0 a.flume append -q -l run/1 "first for $columns"
    expect 0 a.flume append -q -l other 'not for us'
    expect 0 a.flume append -q -l 日本 "wide 🎉 for $columns"
    screen_wait_row 5 "^@[0-9]+ .* run/1  .*first for $columns\$"
    screen_wait_row 5 "wide 🎉 for $columns\$"
    screen_wait 5 'flume> append 語 é end'
    screen_has_not 'not for us'
    screen_type 'X'
    screen_wait_row 5 '^flume> append 語 é eXnd'
    screen_keys Enter
    screen_wait_row 5 '^@[0-9]+ '
    expect 0 a.flume get last
    expect_out eXnd

    # A line that takes several rows stays whole; a body that is long or steers does no harm.
    screen_wait_row 5 '^flume>$'
    long=$(printf 'w%0.s' $(seq $((columns * 2))))
    screen_keys C-l
    screen_type "append -l long $long"
    printf 'bad\033[2J\033[Hbody %0500d' 0 | expect 0 a.flume append -q -l run/1 -
    screen_wait 5 'bad\x1b[2J\x1b[Hbody 0000'
    screen_keys Enter
    wait_until 5 "$FLUME" a.flume get long
    expect 0 a.flume get "long"
    expect_same "$long" "$(cat out)" "a long line under a subscription"

    # While something runs nothing is printed; afterwards it is.
    screen_keys C-l
    screen_enter '!sleep 1; echo slept'
    expect 0 a.flume append -q -l run/1 'while it ran'
    screen_wait_row 5 '^slept$'
    screen_wait_row 5 'while it ran$'
    screen_look
    [ "$(grep -n '^slept' "$screen" | cut -d: -f1)" -lt "$(grep -n 'while it ran$' "$screen" | cut -d: -f1)" ] ||
        screen_fail "a line came while a command ran"

    # A writer that is killed is no problem.
    "$FLUME" a.flume append -q -l run/1 --each line <"$work/.lib/screen.sh" >/dev/null 2>&1 &
    (yes row | "$FLUME" a.flume append -q -l run/1 --each line >/dev/null 2>&1) &
    writer=$!
    screen_wait_row 5 ' row$'
    pkill -KILL -P $writer -x flume
    kill $writer 2>/dev/null
    wait 2>/dev/null
    screen_enter '.cancel 1'
    screen_enter '.cancel'
    screen_wait 20 'there is no such subscription'
    screen_keys C-l
    expect 0 a.flume append -q -l run/1 'after the end'
    screen_enter 'get last'
    screen_wait_row 5 '^after the end$'
    screen_has_not 'run/1  13'
    screen_enter .quit
    screen_wait 5 'ended with 0'
    rm -r a.flume
    expect 0 a.flume append --create -q -l run/1 -l note one
done

# Several, ended one by one; .quit with one open.
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'subscribe note'
screen_enter 'subscribe'
screen_wait 5 'subscription 2:'
expect 0 a.flume append -q -l note 'seen twice'
screen_wait 5 'seen twice'
screen_enter '.cancel 2'
screen_enter '.cancel 7'
screen_wait 5 'there is no such subscription'
screen_enter '.cancel seven'
screen_wait 5 'not the number of a subscription'
screen_keys C-l
expect 0 a.flume append -q 'not seen'
expect 0 a.flume append -q -l note 'seen once'
screen_wait 5 'seen once'
screen_has_not 'not seen'
# The basin goes away beneath it.
rm -r a.flume
expect 0 a.flume append --create -q another
screen_enter 'get last'
screen_wait 5 'a.flume is another basin now'
screen_enter 'subscribe'
screen_wait 5 'subscription 1:'
screen_enter .quit
screen_wait 5 'ended with 0'

# Elsewhere it is tail -f -n 0.
"$FLUME" a.flume subscribe here there >followed 2>err &
will_end $!
wait_until 5 sh -c "'$FLUME' a.flume append -q -l there x; grep -q there followed"
expect 0 a.flume append -q -l elsewhere y
expect 0 a.flume append -q -l here z
wait_until 5 grep -q 'z$' followed
! grep -q elsewhere followed || fail "another label was followed"
