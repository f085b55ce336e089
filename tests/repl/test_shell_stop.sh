# Ctrl-C, SIGTERM and SIGHUP, at the prompt and while something runs.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY= FLUME_HINTS=0
expect 0 a.flume append --create -q -l run/1 one two

screen_start 80 24 a.flume
screen_wait 5 'flume>'
# Following ends, says how to go on, and the prompt is there.
screen_enter 'tail -f -n 0 -l run/1'
screen_wait 5 'Ctrl-C returns to the prompt'
expect 0 a.flume append -q -l run/1 three
expect 0 a.flume append -q -l other four
screen_wait_row 5 'three$'
screen_keys C-c
screen_wait_row 5 '^(\^C)?1 record\. continue later: tail -f --after @[0-9]+ -l run/1$'
screen_has_not 'four'
screen_enter 'get first'
screen_wait_row 5 '^one$'
# It does go on there.
screen_enter "$(grep -o 'tail -f --after.*' "$screen")"
expect 0 a.flume append -q -l run/1 five
screen_wait_row 5 'five$'
screen_keys C-c
screen_wait_row 5 '^flume>$'

# SIGINT from outside at the prompt drops the line; between commands it is nothing.
screen_type 'append dropped'
kill -INT "$(screen_pid)"
screen_wait 5 'dropped^C'
screen_enter 'get first'
screen_wait_row 5 '^one$'

# SIGTERM and SIGHUP end it, wherever it is.
for signal in TERM-143 HUP-129; do
    screen_start 80 24 a.flume
    screen_wait 5 'flume>'
    screen_type 'append half'
    screen_wait 5 'append half'
    kill -${signal%-*} "$(screen_pid)"
    screen_wait 5 "ended with ${signal#*-}"
    screen_start 80 24 a.flume
    screen_wait 5 'flume>'
    screen_enter 'tail -f -n 0'
    screen_wait 5 'Ctrl-C returns'
    kill -${signal%-*} "$(screen_pid)"
    screen_wait 5 "ended with ${signal#*-}"
done
expect 1 a.flume log --grep half
