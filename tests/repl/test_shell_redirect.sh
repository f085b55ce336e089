# Where rows go: | command, > file, >> file, .once, .output; !command.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY= FLUME_HINTS=0
seq 20000 | expect 0 a.flume append --create --each line -q

screen_start 80 24 a.flume
screen_wait 5 'flume>'
# A reader that ends early is no error, and the shell goes on.
screen_enter 'log | head -n 2'
screen_wait_row 5 '^@1 '
screen_wait_row 5 '^@2 '
screen_has_not error
screen_enter 'get 5'
screen_wait_row 5 '^5$'
screen_enter 'log | wc -l'
screen_wait_row 5 '^20000$'
screen_enter 'log --json | jq -r .seq | tail -n 1'
screen_wait_row 5 '^20000$'
# Of a command that fails its exit code is shown; the shell goes on.
screen_enter 'log -n 1 | sh -c "cat; exit 3"'
screen_wait 5 'exit code 3'
screen_enter '!exit 4'
screen_wait 5 'exit code 4'
screen_enter '!kill -9 $$'
screen_wait 5 'signal 9'
# The prompt begins a row, also behind what does not end with one.
screen_enter 'get 5 | tr 5 6'
screen_wait_row 5 '^6$'
screen_enter '!echo shell says $((6 * 7))'
screen_wait_row 5 '^shell says 42$'
# Ctrl-C goes to it, and comes back here.
screen_enter '!trap "echo caught; exit 0" INT; echo waits; while :; do sleep 0.1; done'
screen_wait_row 5 '^waits$'
screen_keys C-c
screen_wait_row 5 '^(\^C)?caught$'
screen_enter 'tail -f -n 1 | cat'
screen_wait_row 5 '^@20000 '
screen_keys C-c
screen_enter 'get 6'
screen_wait_row 5 '^6$'

# A file appears complete; what is said does not go into it, and neither does half an answer.
screen_enter 'log 1..4 > rows'
wait_until 5 test -s rows
screen_enter 'log @4..6 >> rows'
wait_until 5 has_lines rows 5
expect_same '@1 @2 @3 @4 @5' "$(cut -f 1 rows | tr '\n' ' ' | sed 's/ $//')" "rows in a file"
screen_enter 'get @999999 > rows'
screen_wait 5 'rows was not written'
expect_same 5 "$(wc -l <rows)" "a failure left the file"
screen_enter 'log > ./not/there'
screen_wait 5 'not/there cannot be written'
screen_enter 'log --grep nothing-like-this > none'
wait_until 5 test -e none
[ ! -s none ] || fail "rows of a search that found nothing"
screen_enter 'log 1..3 --mode csv > "a name.csv"'
wait_until 5 test -e 'a name.csv'
# tail -f ends where it is ended: its file is kept.
screen_keys C-l
screen_enter 'tail -f -n 2 > followed'
screen_wait 5 'following'
screen_keys C-c
wait_until 5 test -s followed
expect_same 2 "$(wc -l <followed)" "rows of tail -f"
rm -f ./*.tmp
[ "$(find . -name '*.tmp*' | wc -l)" -eq 0 ] || fail "a temporary file was left"

# .once for one command, .output for all; .output alone ends it.
screen_enter '.once one'
screen_enter 'get 7'
wait_until 5 test -s one
screen_enter 'get 8'
screen_wait_row 5 '^8$'
expect_same 7 "$(cat one)" ".once"
screen_enter '.output all'
screen_enter 'get 9 --mode raw -D ";"'
screen_enter 'get 10 --mode raw -D ";"'
screen_enter '.output'
screen_enter 'get 11'
screen_wait_row 5 '^11$'
expect_same '9;10;' "$(cat all)" ".output"
screen_enter '.set > settings'
wait_until 5 test -s settings
grep -q '^limit	off' settings || fail ".set in a file"
screen_enter '.output ./not/there'
screen_wait 5 'not/there cannot be written'
screen_enter .quit
screen_wait 5 'ended with 0'

# The same in scripts, where a reader that ends early is none of the script's business either.
expect 0 a.flume -c 'log | head -n 1' -c 'get 3 > three'
expect_out_lines 1
expect_same 3 "$(cat three)"
expect 3 a.flume -c '!exit 3' -c 'get 1'
expect_no_out
# And a script whose own reader goes away ends as any program.
"$FLUME" a.flume -c log -c log 2>err | head -n 1 >out
expect_out_lines 1
expect_no_err
