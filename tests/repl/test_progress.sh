# Progress of what takes long: when it appears, on which stream, in which form; a bar on a terminal of
# any width, and one that is resized meanwhile.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

make_slow_view || { echo "skipped: no compiler"; exit 77; }
seq 1500 | expect 0 s.flume append --create --each line -q
seq 20000 | expect 0 b.flume append --create --each line -q

seq 700 | expect 0 short.flume append --create --each line -q # Longer than until a bar appears.

rebuild() {
    basin=$1
    shift
    expect 0 "$basin" --load slow.so view rebuild slow "$@"
}

# ---- not a terminal ----

rebuild short.flume
expect_no_err
rebuild short.flume --progress none --json
expect_no_err
rebuild short.flume --progress plain
grep -qE '^slow  +[0-9]+%  [0-9,]+ / 701   asked for$' err || fail "a plain line: $(cat err)"
grep -q '[#█]' err && fail "no bar in a plain line"
[ "$(wc -l <err)" -eq 1 ] || fail "a plain line each ten seconds"
rebuild s.flume --json
expect_json err
expect_json out
expect_jq err '.type == "progress" and .what == "slow" and .unit == "records" and
    .done > 0 and .done < .total and .total == 1501 and .seconds >= 0.5 and
    .why == "it is not there yet"'
lines=$(wc -l <err)
[ "$lines" -ge 2 ] && [ "$lines" -le 100 ] || fail "an object a second: $lines"
expect_same "" "$(jq 'select(.type == "progress").total' err | sort -u | sed 1d)" \
    "the total stays as it was"
# What is quick shows nothing.
expect 0 s.flume --load slow.so view rows slow -n 1 --json
[ ! -s err ] || ! grep -q progress err || fail "progress of what was there"

# What arrives meanwhile is not in the total.
"$FLUME" s.flume --load slow.so view rebuild slow --json >out 2>err &
process=$!
will_end $process
wait_until 10 grep -q progress err
seq 300 | "$FLUME" s.flume append --each line -q
wait $process
expect_same 0 $? "exit code of the rebuild"
expect_jq err '.type == "progress" and .new >= 300 and .total == 1501'

# SIGUSR1 has a line written at once, also where there would be none.
"$FLUME" s.flume --load slow.so view rebuild slow -q >out 2>err &
process=$!
will_end $process
attached() {
    [ "$("$FLUME" s.flume stat --json | jq '.attached | length')" -ge 2 ]
}
wait_until 10 attached
kill -USR1 $process
wait_until 5 has_lines err 1
wait $process
expect_same 0 $? "exit code after SIGUSR1"
grep -qE '^slow  +[0-9]+%  [0-9,]+ / 1,[0-9]+' err || fail "SIGUSR1: $(cat err)"

# Of unknown size: an import from a pipe. Of known size: from a file that a slow basin takes.
expect 0 s.flume export -o all.ndjson
{
    head -n 1000 all.ndjson
    sleep 0.7 # Longer than until it appears.
    tail -n +1001 all.ndjson
} | expect 0 i.flume import --create --progress plain
grep -qE '^import  [0-9.]+ [KM]iB / -$' err || fail "an import of unknown size: $(cat err)"
{
    head -n 1000 all.ndjson
    sleep 0.7 # Longer than until it appears.
    tail -n +1001 all.ndjson
} | expect 0 j.flume import --create --json
expect_jq err '.type == "progress" and .what == "import" and .unit == "bytes" and .done > 0 and
    (has("total") | not)'

# ---- a terminal ----

. "$here/screen.sh"

# bar COLUMNS [TEXT]: a rebuild that takes long, in a terminal of so many, until the row of the bar has
# this text; the row fits.
alone() {
    [ "$("$FLUME" b.flume stat --json | jq '.attached | length')" -eq 1 ]
}
# Until it is drawn again.
drawn_again() {
    screen_look
    cp "$screen" before
    wait_until 10 another
}
another() {
    screen_look
    ! cmp -s "$screen" before
}
bar() {
    screen_tmux kill-server 2>/dev/null
    wait_until 10 alone
    rm -rf b.flume/views
    screen_start "$1" 12 b.flume --load slow.so view rebuild slow
    screen_wait_row 20 "^slow .*${2:-}"
    drawn_again
    expect_same 1 "$(grep -c '^slow ' "$screen")" "one row of a bar in $1 columns"
    expect_same 1 "$(grep -c . "$screen")" "only that row in $1 columns"
}
bar 200 '█'
grep -qE '^slow  [█▏▎▍▌▋▊▉ ]+ +[0-9]+%  [0-9,]+ / 20,001' "$screen" || screen_fail "a bar"
screen_wait_row 20 '/s   ETA [0-9]+:[0-9][0-9]   it is not there yet$'
bar 80 '█'
grep -qE '^slow  [█▏▎▍▌▋▊▉ ]+ +[0-9]+%  [0-9,]+ / 20,001' "$screen" || screen_fail "a bar"
# So narrow that there is no room for a bar, and then not even for the numbers.
bar 30 '[1-9]%'
grep -qE '^slow  +[0-9]+%  ' "$screen" || screen_fail "numbers without a bar"
bar 12

# Resized meanwhile: nothing is left of what was wider, and it gets wider again.
bar 120
resized() {
    [ "$(screen_tmux display-message -p '#{window_width}')" -eq "$size" ]
}
one_row() {
    screen_look
    [ "$(grep -c . "$screen")" -eq 1 ]
}
for size in 40 25 90 20 100; do
    screen_resize $size 12
    wait_until 10 resized
    drawn_again
    # The terminal itself breaks what has become too long; what the bar leaves behind would stay.
    wait_until 10 one_row
done

# Ctrl-C: the message takes the bar's place.
screen_keys C-c
screen_wait 20 'ended with 130'
screen_has 'cancelled: the rebuild of view slow was at '
screen_has_not '^C'
screen_has_not '█'
screen_has_not ' / '

# At the end nothing is left of it.
rm -rf s.flume/views
screen_start 80 12 s.flume --load slow.so view rebuild slow
screen_wait_row 20 '^slow .*%'
screen_wait 60 'ended with 0'
screen_has_not '%'
screen_has 'done'

# Where there is no UTF-8 the bar is ASCII; on a dumb terminal there is none.
printf '#!/bin/sh\nLC_ALL=C exec "%s" "$@"\n' "$FLUME" >ascii
printf '#!/bin/sh\nTERM=dumb exec "%s" "$@"\n' "$FLUME" >dumb
chmod +x ascii dumb
FLUME=$work/ascii
screen_start 80 12 b.flume --load slow.so view rebuild slow
screen_wait_row 20 '^slow  \[#*\.*\] +[0-9]+%'
screen_keys C-c # Else the next one might find it still rebuilding.
screen_wait 20 'ended with 130'
FLUME=$work/dumb
screen_start 80 12 b.flume --load slow.so view rebuild slow
sleep 1 # Longer than until it would appear.
screen_look
[ ! -s "$screen" ] || ! grep -q . "$screen" || screen_fail "a bar on a dumb terminal"
