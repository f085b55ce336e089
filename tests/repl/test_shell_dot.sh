# Settings of a session, the start-up file, and .watch.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY= FLUME_HINTS=0
seq 30 | expect 0 a.flume append --create --each line -q -l n

# In scripts: each is shown by its name alone, set by a value, and refuses others.
for setting in 'mode auto csv' 'timer off on' 'pager auto never' 'color auto always' \
    'width auto 60' 'limit off 5' 'bail off on' 'echo off on' 'hints off on'; do
    # shellcheck disable=SC2086 # Words.
    set -- $setting
    expect 0 -c ".$1" -c ".$1 $3" -c ".set $1" -q
    expect_same "$2 $3" "$(grep -vF flume out | tr '\n' ' ' | sed 's/ $//')" "the values of .$1"
    expect 2 -c ".$1 nonsense"
    expect_err_has "^"
done
expect 2 -c '.mode jsn'
expect_err_has 'did you mean json?'
expect 2 -c '.width 3'
expect 2 -c '.set nothing'
expect_err_has 'which there are: .set'
expect 2 -c '.once'
expect_err_has 'usage: .once FILE'
expect 2 -c '.timer on off'
expect_err_has 'one word too many'
expect 2 -c '.tmier on'
expect_err_has 'did you mean .timer?'
expect 0 -c '.set' --json
expect_json out
expect_jq out '.setting == "limit" and .value == "off"'
expect 0 a.flume -c '.mode ndjson' -c 'log 1..3' -c '.mode auto' -c 'log 1..2'
expect_out_has '"seq":1'
expect 0 a.flume -c '.echo on' -c 'get 1'
expect_err_has 'flume> get 1'
expect 0 a.flume -c '.timer on' -c 'log'
expect_err_has '30 records read'
expect 0 a.flume -c 'get 1' -c '.quit' -c 'get 2'
expect_out 1
expect 7 -c '.open not-here.flume' -c 'get 1'
[ ! -e not-here.flume ] || fail ".open made a basin"
expect 0 -c '.open a.flume' -c 'get 1'
expect_out 1

# .read, in .read too, and no end of itself.
echo 'get 1' >inner
printf '.read inner\nget 2\n' >outer
expect 0 a.flume -c '.read outer'
expect_out 12
echo '.read loop' >loop
expect 2 a.flume -c '.read loop'
expect_err_has 'no deeper than'
expect 6 a.flume -c '.read not-here'

# .limit cuts what is looked at, and nothing else.
screen_start 80 40 a.flume
screen_wait 5 'flume>'
screen_enter '.limit 3'
screen_enter 'log'
screen_wait_row 5 '^@3 '
screen_has_not '@4 '
screen_enter 'log | wc -l'
screen_wait_row 5 '^30$'
screen_enter 'log -n 4'
screen_wait_row 5 '^@4 '
screen_keys C-l
screen_enter '.timer on'
screen_enter 'get 1'
screen_wait_row 5 '^[0-9.]+ (us|µs|ms|s)'

# .watch draws in place until Ctrl-C, and leaves the last frame.
screen_keys C-l
screen_enter '.limit off'
screen_enter '.timer off'
screen_enter '.watch 0.1 log -n 2 last..'
screen_wait 5 'Ctrl-C returns'
screen_has '@30'
expect 0 a.flume append -q -l n grown
screen_wait 5 'grown'
screen_has_not '@30 '
screen_type 'typed meanwhile'
expect 0 a.flume append -q -l n 日本🎉
screen_wait 5 '日本🎉'
screen_has_not 'typed meanwhile'
screen_resize 120 12
screen_wait 5 'Ctrl-C returns'
screen_keys C-c
screen_wait_row 5 '^flume>$'
screen_has '日本🎉'
screen_has_not 'Ctrl-C returns'
screen_enter '.watch -n 2 0.1 get @999999'
screen_wait 5 'no record @999999'
screen_wait_row 5 '^flume>$' # Keys are the watch's until then.
screen_enter '.watch 0.1 .set'
screen_wait 5 'each 100'
screen_type q
screen_wait_row 5 '^flume>$'
screen_keys C-l
screen_enter '.watch -n 1 0.1 log'
screen_wait_row 5 '^@9 '
screen_wait_row 5 '^flume>$'
screen_look 100
expect_same 0 "$(grep -c '^@10 ' "$screen")" "rows that were not on the screen"
screen_enter '.watch 1'
screen_wait 5 'usage: .watch'
screen_enter '.watch never get 1'
screen_wait 5 'not a span of time'
# Elsewhere it needs an end.
expect 2 a.flume -c '.watch 0.1 get 1'
expect_err_has 'has to end by itself'
expect 0 a.flume -c '.watch -n 3 0.05 get 1'
expect_out 111

# The start-up file: settings only, at a prompt only, and its errors are shown.
mkdir -p "$work/.lib/config/flume"
rc=$work/.lib/config/flume/rc
printf '# mine\n.color never\n.timer on\nlog\n.tmier on\n.quit\n.limit 4\n' >"$rc"
screen_start 160 24 a.flume
screen_wait 5 'flume>'
screen_has "$rc:4:1: error: only settings may stand in the start-up file"
screen_has "no dot-command '.tmier'"
screen_has "$rc:6:1: error: only settings"
screen_enter '.set'
screen_wait_row 5 '^limit +4 '
screen_start 80 24 a.flume --no-rc
screen_wait 5 'flume>'
screen_has_not error
screen_enter '.set'
screen_wait_row 5 '^limit +off'
expect 0 a.flume -c '.limit'
expect_out 'off
'
