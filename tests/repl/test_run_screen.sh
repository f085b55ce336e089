# run on a terminal: Ctrl-C ends the command once, and not the shell; keys and files are completed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY= FLUME_HINTS=0
expect 0 a.flume run --create -l sweep --scope tolerance=1 -- true

cat >traps <<'END'
#!/bin/sh
trap 'echo int >>ints' INT
echo begun
while [ ! -e ints ]; do sleep 0.02; done
sleep 0.2
echo ended
END
chmod +x traps

screen_start 80 24 a.flume
screen_wait 5 'flume>'
screen_enter 'run -v -- ./traps'
screen_wait_row 5 '^begun$'
screen_keys C-c
screen_wait_row 5 '^(\^C)?ended$'
screen_wait 5 'nothing was recorded'
screen_wait_row 5 '^flume>$'
expect_same 1 "$(wc -l <ints)" "how often it was told"
# It runs again, now to its end, and its result is replayed.
screen_enter 'run -v -- ./traps'
screen_wait 5 'ran: @'
screen_enter 'run -v -- ./traps'
screen_wait 5 'replayed: @'
# Who waits for another can be interrupted.
mkfifo never
"$FLUME" a.flume run -- sh -c 'echo x >held; cat never' >/dev/null 2>&1 &
will_end $!
wait_until 5 has_lines held 1
screen_enter 'run -- sh -c "echo x >held; cat never"'
screen_wait 5 'another flume run is at it'
screen_keys C-c
screen_wait 5 'nothing was run'
screen_wait_row 5 '^flume>$'

screen_type 'run --scope tol'
screen_keys Tab
screen_wait 5 'run --scope tolerance='
screen_type '2 -l swe'
screen_keys Tab
screen_wait 5 'tolerance=2 -l sweep'
screen_type '--in tra'
screen_keys Tab
screen_wait 5 '--in traps'
screen_type '--cache-f'
screen_keys Tab
screen_wait 5 '--in traps --cache-failures'
screen_type '-- ./tra'
screen_keys Tab
screen_wait 5 '-- ./traps'
screen_keys C-c

# A program that runs one command ends by Ctrl-C.
screen_start 80 24 a.flume run -- ./traps x
screen_wait_row 5 '^ended$' # ints is there: it does not wait.
screen_wait 5 'ended with 0'
rm ints
screen_start 80 24 a.flume run -- ./traps y
screen_wait_row 5 '^begun$'
screen_keys C-c
screen_wait 5 'ended with 130'
expect_same 1 "$(wc -l <ints)" "how often it was told"
