# test_pictures.sh - status, stat, hist and plot on a terminal, alone and in a shell: what is seen, that
# it fits, and that Ctrl-C ends it.
repl=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$repl/lib.sh"
. "$repl/screen.sh"

seq 400 | "$FLUME" a.flume append --create -q -l run/1 --each line || fail "append"
"$FLUME" a.flume mark here @5 -q || fail "mark"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    "$FLUME" a.flume view add "field-$i" --json-path .a -q >/dev/null || fail "view add"
done

# ---- one screen ----

screen_start 80 24 a.flume status
screen_wait 5 "ended with 0"
screen_has "basin     a.flume"
screen_has "more: flume DB view status"
screen_has "this one"
screen_start 200 60 a.flume status
screen_wait 5 "ended with 0"
screen_has "field-12"
screen_has_not "more:"

# ---- rolling, with a summary at its end, also at Ctrl-C ----

screen_start 80 24 a.flume stat -i 0.1 -n 4
screen_wait 5 "ended with 0"
screen_wait_row 1 '^time +rec_s +mb_s +head +not_durable +lag_max$'
screen_wait_row 1 '^rec_s .{4} +lag_max .{4}$'
screen_start 80 24 a.flume stat -i 0.1
screen_wait_row 5 '^20.* 0\.0 .*'
rows_shown() {
    screen_look
    [ "$(grep -c '^20' "$screen")" -ge 3 ]
}
wait_until 10 rows_shown
screen_keys C-c
screen_wait 5 "ended with 130"
screen_wait_row 1 '^rec_s '
screen_has "rows shown"

# ---- with characters ----

screen_start 80 24 a.flume hist size
screen_wait 5 "ended with 0"
screen_wait_row 1 '^ *from +to +count +share$'
screen_has "████"
for kind in rate lag size timeline; do
    screen_start 80 24 a.flume plot $kind
    screen_wait 5 "ended with 0"
    screen_look
    [ "$(wc -L <"$screen")" -le 80 ] || screen_fail "too wide: $kind"
done
screen_start 80 24 a.flume plot timeline
screen_wait 5 "ended with 0"
screen_has "run/1"
screen_has "here"
screen_wait_row 1 '^bookmarks +.*\^'

# ---- in a shell: again and again, and ended by Ctrl-C ----

screen_start 80 24 a.flume
screen_wait 5 "flume>"
screen_enter ".watch 0.1 status"
screen_wait 5 "newest"
"$FLUME" a.flume append one more -q >/dev/null || fail "append"
head=$("$FLUME" a.flume info --json | jq .head)
screen_wait 5 "head      @$head"
screen_keys C-c
screen_wait_row 5 '^flume> *$'
screen_enter "plot lag -o lag.svg"
screen_wait 5 "lag.svg  "
[ -f lag.svg ] || fail "the picture is there"
screen_enter ".quit"
screen_wait 5 "ended with 0"

seq 500000 | "$FLUME" big.flume append --create --forgetful -q --each line || fail "append"
screen_start 80 24 big.flume
screen_wait 5 "flume>"
screen_enter "hist gap -l nowhere"
screen_keys C-c
screen_wait_row 10 '^flume> *$'
screen_enter "hist size -n"
screen_wait 5 "error: "
