# How the prompt begins and ends: which basin, the question, the banner, exit codes.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY=

# Nobody at a terminal is asked anything; nothing is made.
echo info | expect 7 no.flume
[ ! -e no.flume ] || fail "a wrong path made a basin"
expect 0 </dev/null
expect_no_out

# On a terminal it is asked. No: exit code 7, and nothing was made.
screen_start 80 24 new.flume
screen_wait 5 'new.flume does not exist. Create it? [Y/n]'
screen_enter n
screen_wait 5 'ended with 7'
screen_has_not 'flume>'
[ ! -e new.flume ] || fail "no was taken for yes"
screen_start 80 24 new.flume
screen_wait 5 '[Y/n]'
screen_keys C-c
screen_wait 5 'ended with 7'
[ ! -e new.flume ] || fail "Ctrl-C was taken for yes"
screen_start 80 24 new.flume
screen_wait 5 '[Y/n]'
screen_keys Enter
screen_wait 5 'flume>'
screen_has 'new.flume  new, empty   help, Tab and Ctrl-D work here'
screen_keys C-d
screen_wait 5 'ended with 0'

# What is there and is no basin, or made by a newer flume, ends at once.
mkdir plain
echo hello >plain/file
screen_start 80 24 ./plain
screen_wait 5 'ended with 7'
screen_has_not 'flume>'

# The banner says how much there is; .quit and .exit leave; -q has no banner.
seq 1200 | expect 0 new.flume append --each line -q
for leave in .quit .exit; do
    screen_start 80 24 new.flume
    screen_wait 5 'flume>'
    screen_wait_row 5 '^flume [0-9.]+  new.flume  [0-9.]+ KiB  1,201 records   help'
    screen_enter $leave
    screen_wait 5 'ended with 0'
done
screen_start 80 24 new.flume -q
screen_wait_row 5 '^flume>$'
screen_has_not 'Ctrl-D'
# What leaves other shells is told, not guessed.
screen_enter quit
screen_wait 5 'did you mean .quit?'
screen_enter .lgo
screen_wait 5 "no dot-command '.lgo'"
screen_enter .log
screen_wait 5 'commands have no dot before them'
screen_enter .help
screen_wait 5 '.cancel'
screen_enter '.help mode'
screen_wait 5 'form of rows'

# An error is told, and the next line runs; .bail leaves with its code.
screen_tmux clear-history
screen_enter 'get @999999'
screen_wait 5 'error:'
screen_enter 'get 5'
screen_wait_row 5 '^5$'
screen_enter '.bail on'
screen_enter 'get @999999'
screen_wait 5 'ended with 1'

# Without a basin: the commands say how to open one; .open of a missing path asks.
screen_start 80 24
screen_wait 5 'no basin is open (.open PATH)'
screen_enter info
screen_wait 5 'to open one: .open PATH'
screen_enter '.open other.flume'
screen_wait 5 'other.flume does not exist. Create it? [Y/n]'
screen_enter n
screen_enter .open
screen_wait_row 5 '^none$'
[ ! -e other.flume ] || fail ".open made a basin without asking"
screen_enter ".open ''"
screen_wait 5 "a basin's path has 1 to"
screen_enter '.open new.flume'
screen_enter 'get 7'
screen_wait_row 5 '^7$'
# What cannot be opened leaves what is open.
screen_enter '.open ./plain'
screen_wait 5 'error:'
screen_enter 'get 8'
screen_wait_row 5 '^8$'
screen_enter '.open other.flume'
screen_wait 5 '[Y/n]'
screen_keys y Enter
screen_enter 'append hello'
screen_wait 5 '@1'
screen_enter .quit
screen_wait 5 'ended with 0'
expect 0 other.flume get last
expect_out hello

# Options of the program hold for each line.
screen_start 80 24 new.flume --json
screen_wait 5 'flume>'
screen_enter 'log -n 1 last..'
screen_wait 5 '{"type":"record","seq":1200'
screen_enter 'get @999999'
screen_wait 5 '{"type":"error"'
screen_enter '.mode auto'
screen_enter 'log -n 1 last..'
screen_wait_row 5 '^@1200 '
expect 0 new.flume label list
screen_start 80 24 new.flume --color never --timeout 3 --stale-ok
screen_wait 5 'flume>'
screen_enter 'label list'
screen_wait 5 'view label answers as of'

# Another basin takes the path; a basin that was not there comes.
expect 0 swap.flume append --create -q first
screen_start 80 24 swap.flume
screen_wait 5 'flume>'
screen_enter 'get last'
screen_wait_row 5 '^first$'
rm -r swap.flume
screen_enter 'get last'
screen_wait 5 'error:'
expect 0 swap.flume append --create -q second
screen_enter 'get last'
screen_wait_row 5 '^second$'
mv swap.flume aside.flume
expect 0 swap.flume append --create -q third
screen_enter 'get last'
screen_wait 5 'swap.flume is another basin now'
screen_wait_row 5 '^third$'

# Reading does not stand in a writer's way, nor the other way round.
expect 0 swap.flume append -q outside
screen_enter 'append inside'
screen_enter 'log -n 2 last~1..'
screen_wait_row 5 'outside$'
screen_wait_row 5 'inside$'

# The record printed last.
screen_start 80 24 swap.flume
screen_wait 5 'flume>'
screen_enter 'get _'
screen_wait 5 'there is none yet'
screen_enter 'append underscore'
screen_enter 'get _'
screen_wait_row 5 '^underscore$'
screen_enter 'mark here _'
screen_enter 'get :here'
screen_wait 5 '@'
expect 1 swap.flume get _
expect_err_has 'printed last'
