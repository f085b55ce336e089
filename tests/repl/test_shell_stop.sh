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

# A command that does not end at once: a second Ctrl-C is answered, and the prompt comes back.
seq 100000 | expect 0 big.flume append --create -q --each line
screen_start 80 24 big.flume
screen_wait 5 'flume>'
screen_enter 'log --json | (trap "" INT; echo begun; until [ -e go ]; do sleep 0.1; done; cat >/dev/null)'
screen_wait_row 5 '^begun$'
answered() {
    screen_keys C-c
    screen_look
    grep -q 'still cancelling' "$screen"
}
wait_until 10 answered
: >go
screen_wait_row 10 '^flume>'
screen_enter 'get 7'
screen_wait_row 5 '^7$'

# What does not end because others do not is not waited for for long: a reader that has stopped, a
# command that does not care.
printf 'trap "" HUP\necho $$ >child\necho begun\nexec sleep 60\n' >deaf
for line in 'log --json | sh deaf' '!sh deaf'; do
    screen_start 80 24 big.flume
    screen_wait 5 'flume>'
    screen_enter "$line"
    screen_wait_row 5 '^begun$'
    will_end "$(cat child)"
    kill -HUP "$(screen_pid)"
    screen_wait 10 'ended with 129'
done
mkfifo stopped
sleep 60 <stopped &
will_end $!
"$FLUME" big.flume log --json >stopped &
process=$!
will_end $process
wait_until 5 grep -q pipe_write "/proc/$process/wchan"
kill -TERM $process
wait $process
expect_same 143 $? "SIGTERM to one whose reader has stopped"

# A system call that waits does not keep Ctrl-C from being obeyed.
mkfifo fifo
screen_start 80 24 big.flume
screen_wait 5 'flume>'
for line in '.read fifo' '.read /dev/stdin' 'append --file fifo' 'get 7 > fifo' 'import fifo' \
    'export -o fifo'; do
    screen_enter "$line"
    screen_wait_row 5 "^flume> $line\$"
    wait_until 5 sh -c "! grep -q poll /proc/$(screen_pid)/wchan || [ '$line' = '.read /dev/stdin' ]"
    screen_keys C-c
    screen_wait_row 5 '^flume>$'
    screen_keys C-l
    screen_until_gone 5 "$line"
done
screen_enter 'get 7'
screen_wait_row 5 '^7$'

# The window changes while a line is typed, and while nothing is.
screen_start 80 24 big.flume
screen_wait 5 'flume>'
screen_type "append $(printf 'w%0.s' $(seq 150))"
screen_resize 60 20
screen_wait_row 5 'w{60}'
screen_resize 130 30
screen_wait_row 5 '^flume> append w{116}$'
screen_type 'X'
screen_wait_row 5 'w{34}X$'
expect_same 1 "$(grep -c 'flume> append w' "$screen")" "copies of the line"
screen_keys Enter
screen_wait_row 5 '^@[0-9]+ +151'
screen_enter 'get 8'
screen_wait_row 5 '^8$'

# Ctrl-Z stops it as any program, and what was typed is there again afterwards.
command -v bash >/dev/null || exit 0
screen_tmux kill-server
screen_socket=$work/.lib/tmux-jobs
screen_tmux new-session -d -x 80 -y 24 "cd '$work'; HOME='$work' PS1='sh> ' bash --norc -i"
screen_wait 5 'sh>'
screen_enter "'$FLUME' a.flume"
screen_wait_row 5 '^flume>$'
screen_type 'append stop'
screen_wait 5 'append stop'
screen_keys C-z
screen_wait 5 'Stopped'
screen_enter "echo back; stty -a | tr ' ' '\\n' | grep -x -e '-*isig;*'"
screen_wait_row 5 '^isig'
screen_keys C-l
screen_enter fg
screen_wait_row 5 '^flume> append stop$'
screen_type ped
screen_wait_row 5 '^flume> append stopped$'
screen_keys Enter
screen_wait_row 5 '^@[0-9]+ '
screen_enter 'tail -f -n 1'
screen_wait_row 5 '^@[0-9]+ .*stopped$'
screen_keys C-z
screen_wait 5 'Stopped'
screen_enter fg
screen_keys C-c
screen_wait 5 'continue later'
screen_enter 'get first'
screen_wait_row 5 '^one$'

# A repair that is declined says so, and nothing else.
screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter repair
screen_wait 5 '[y/N]'
screen_enter n
screen_wait 5 'nothing was changed'
screen_wait_row 5 '^flume>$'
screen_has_not 'nothing found'
