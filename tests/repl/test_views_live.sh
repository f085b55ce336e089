# Views looked at from the prompt: beside a writer, rebuilt and cancelled, with a declaration changed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"

make_slow_view || { echo "skipped: no compiler"; exit 77; }

seq 20000 | sed 's/.*/{"n":&,"host":"h"}/' | expect 0 a.flume append --create --each json -q
screen_start 110 40 a.flume --load slow.so
screen_wait 10 'flume>'

# A question from the prompt is answered as of now, also when others write.
screen_enter 'label count'
screen_wait_row 10 '^ *0 +0 '
seq 5 | expect 0 a.flume append --each line -l run/1 -q
screen_enter 'label list'
screen_wait_row 10 '^run/1 +5 '
expect 0 a.flume append -l run/1 another
screen_enter 'label list'
screen_wait_row 10 '^run/1 +6 '
# And while the prompt stands there, the log and its views go on elsewhere.
expect 0 a.flume view sync label
expect 0 a.flume label show run/1
expect_out_lines 6

# A rebuild is watched, cancelled, and goes on where it was.
screen_keys C-l
screen_enter 'view rebuild slow'
screen_wait_row 20 '^slow  [█▏▎▍▌▋▊▉ ]+ +[0-9]+%'
screen_keys C-c
screen_wait 10 'cancelled: the rebuild of view slow was at '
screen_enter 'view status slow'
screen_wait_row 10 '^slow +1 +'
screen_has_not '^C'
screen_keys C-l
screen_enter 'view verify slow'
screen_wait_row 20 '^slow  .*%'
screen_keys C-c
screen_wait_row 10 '^cancelled: view slow '

# Other long commands come back to the prompt too.
screen_keys C-l
screen_enter 'tail -f -n 1'
screen_wait 10 'another'
expect 0 a.flume append -l run/1 'while it follows'
screen_wait 10 'while it follows'
screen_keys C-c
screen_wait_row 10 '^[12] records?\. continue later: tail -f --(from|after) @'
screen_run 'stat -i 600' # It has nothing to show yet.
stopped() {
    screen_keys C-c
    screen_look
    grep -q '^cancelled: 0 rows shown' "$screen"
}
wait_until 10 stopped
screen_wait_row 10 '^cancelled: 0 rows shown'
screen_enter 'bench'
screen_wait 10 'append many'
screen_keys C-c
screen_wait_row 10 '^cancelled: the case .* its basin is taken away'

# A declaration that is changed is another version, which is built when it is asked.
screen_keys C-l
screen_enter 'view add where --json-path .n --type number'
screen_enter 'find where 7 -n 1 --mode raw'
screen_wait 20 '{"n":7,'
screen_enter 'view add where --json-path .host'
screen_enter 'view status where --mode plain'
screen_wait_row 10 '^where	? +2	? +closed'
screen_enter 'find where h -n 1 --mode raw'
screen_wait 20 '{"n":1,'
screen_enter 'view rows catalog'
screen_wait_row 10 '^where +@[0-9]+ +version 2, field .host'
screen_keys C-l
screen_enter 'view status where --mode plain'
screen_wait_row 10 '^where	? +2	? +live'
screen_enter 'explain find where h'
screen_wait 10 'the index of field where'
screen_keys C-d
screen_wait 10 'ended with 0'
