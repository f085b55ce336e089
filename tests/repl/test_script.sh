# Lines that nobody types: -c, --script, standard input. They end at the first error, which is told
# with its place; --keep-going goes on.
. "$(dirname "$0")/lib.sh"

# expect_err_shows TEXT: these rows stand one below the other on stderr.
expect_err_shows() {
    case $(cat err) in
    *"$1"*) ;;
    *) fail "stderr does not show: $1" ;;
    esac
}

expect_out_shows() {
    case $(cat out) in
    *"$1"*) ;;
    *) fail "stdout does not show: $1" ;;
    esac
}

expect 0 a.flume init

# --- Where lines come from. ---
expect 0 a.flume -c 'append -l x one' -c 'append -l x two' -c 'log -n 2 --mode raw --reverse'
expect_out_shows "two
one"
printf 'append -l x three\n\n# nothing\n   \nlog -n 1 --mode raw --reverse' >s1
expect 0 a.flume --script s1
expect_out_has "three"
run a.flume <s1
expect_code 0
expect_out_has "three"
# In their order, mixed, and wherever they stand among the other options.
printf 'append b\n' >s2
printf 'append d\n' | run -c 'append a' --script s2 --db a.flume -q -c 'append c' --script - \
    -c 'log -n 4 --mode raw --reverse'
expect_code 0
expect_same "d c b a" "$(tail -n 4 out | tr '\n' ' ' | sed 's/ $//')" "the order"
# None of them is kept in a history.
mkdir home
printf 'log -n 0\n' | HOME=$work/home XDG_STATE_HOME=$work/home "$FLUME" a.flume -c 'log -n 0' \
    --script s2 --script - >out 2>err || fail "with a home"
[ -z "$(find home -type f)" ] || fail "a script left $(find home -type f)"
# Standard input without a line.
run a.flume </dev/null
expect_code 0
expect_no_out
expect_no_err
# A command finds nothing to read where its script comes from.
printf 'append -\nappend behind\n' | run a.flume
expect_code 0
expect 0 a.flume log -n 1 --reverse --mode raw
expect_out "behind
"
# With -c it does.
printf 'payload' | run a.flume -c 'append -'
expect_code 0
expect 0 a.flume log -n 1 --reverse --mode raw
expect_out "payload
"
expect 2 a.flume log -c log
expect_err_has "go without another command"
expect 2 a.flume log --script s1 --json
expect_jq err '.arg == "s1"'

# --- The first error ends it, with its code and its place. ---
printf 'append one\nlog\n  get @99999 # none\nappend never\n' >s
expect 1 a.flume --script s
expect_err_has "s:3:7: error: no record @99999"
expect_out_has "one"
expect 1 a.flume log --grep never
run a.flume <s
expect_code 1
expect_err_has "standard input:3:7: error: no record @99999"
expect 2 a.flume -c 'log -n 0' -c 'lgo' -c 'append never'
expect_err_shows "-c:1:1: error: no command 'lgo'
  lgo
  ^~~"
expect 1 a.flume --script s --script s1 -c 'append never'
expect 1 a.flume log --grep never
printf 'log\n\nlog --nosuch' >s
expect 2 --json a.flume --script s
expect_jq err '.file == "s" and .line == 3 and .col == 5 and .arg == "--nosuch"'
expect 6 a.flume -c "log -n 0 >  'no where/out'" -c 'append never'
expect_err_shows "-c:1:13: error: no where/out cannot be written: No such file or directory
  log -n 0 >  'no where/out'
              ^~~~~~~~~~~~~~
"
expect 1 a.flume log --grep never
# What says nothing itself is told too.
expect 1 a.flume -c 'log --grep never' -c 'append never'
expect_err_has "-c:1:1: error: this ended with exit code 1 (no)"
expect 0 a.flume -c 'log --grep never --no-fail-empty' -c 'append -l y after'
expect_no_err
expect 3 a.flume -c '!exit 3' -c 'append never'
expect_err_shows "-c:1:1: error: this ended with exit code 3
"
expect 1 a.flume log --grep never
expect 7 missing.flume -c log
expect_err_has "-c:1:1: error: "
expect 2 -c log
expect_err_has "no basin was named"

# --- On behind an error, to the worst code. ---
printf 'get @99999\nlgo\nappend -l going on\nlog --grep never\n' >s
expect 2 a.flume --keep-going --script s
expect_err_has "s:1:5: error"
expect_err_has "s:2:1: error"
expect_err_has "s:4:1: error"
expect 0 a.flume log --grep on -l going
expect 7 --keep-going -c 'missing.flume log' -c 'a.flume get @99999' -c 'a.flume append -l going2 x'
expect 0 a.flume log -l going2
expect 6 --keep-going a.flume --script missing -c lgo -c 'append -l going3 x'
expect_err_shows "missing cannot be read: No such file or directory
  --keep-going --script missing -c lgo -c 'append -l going3 x'
                        ^~~~~~~"
expect 0 a.flume log -l going3
expect 1 a.flume --keep-going -c 'get @99999' -c 'log -n 0'

# A script in a script: its own lines are named, and what stopped it is told once.
printf 'log -n 0\nlgo\nappend -l inner x\n' >inner
printf 'log -n 0\n.read inner\nappend -l outer x\n' >outer
expect 2 a.flume --script outer
expect_same "inner:2:1: error: no command 'lgo'" "$(grep error: err)"
expect 1 a.flume log -l outer
expect 2 a.flume --keep-going --script outer -c 'get :nosuch'
expect_same "inner:2:1: error: no command 'lgo' -c:1:5: error: no bookmark 'nosuch'" \
    "$(echo $(grep error: err))"
expect 0 a.flume log -l inner
expect 0 a.flume log -l outer
expect 6 a.flume -c '.read nosuch'
expect_err_has "-c:1:1: error: nosuch cannot be read"

# A signal ends it, whatever was to come.
printf 'tail -f -n 0\nappend -l signalled x\n' >s
for signal in INT TERM; do
    for how in --quiet --keep-going; do
        "$FLUME" a.flume --script s $how >out 2>err &
        follower=$!
        will_end $follower
        wait_until 10 sh -c "\"$FLUME\" a.flume append y && [ -s out ]"
        kill -$signal $follower
        wait $follower
        code=$?
        [ $signal = INT ] && expect_code 130 || expect_code 143
    done
done
expect 1 a.flume log -l signalled

# --- Several lines of source that are one. ---
printf 'append -l text <<END\nfirst\n  "second\n\nEND\nappend -l text '"'a\nb'"'\nappend -l text {\n  "k": [1,\n  2]\n}\nlgo\n' >s
expect 2 a.flume --script s
expect_err_has "s:12:1: error: no command 'lgo'"
expect 0 a.flume log -l text --json
expect_same 'first
  "second
' "$(jq -rs '.[0].payload' out)
" "a heredoc"
expect_same 'a
b' "$(jq -rs '.[1].payload' out)" "a quoted newline"
jq -es '.[2].payload | (fromjson? // .) == {"k": [1, 2]}' out >/dev/null || fail "JSON over lines"
# Open where the script ends: told where it began.
printf 'log -n 0\nappend <<END\nno end\n' >s
expect 2 a.flume --script s
expect_err_shows "s:2:8: error: the end of this text is missing
  append <<END
         ^~~~~"
printf 'log -n 0\n\nappend a "no end\nlog\n' >s
expect 2 a.flume --script s
expect_err_shows "s:3:10: error: this quote is not closed
  append a \"no end
           ^"
expect 2 a.flume -c 'append {"a": [1'
expect_err_has "-c:1:8: error: this bracket is not closed"
expect 1 a.flume log --grep "no end"
# An error behind the first line of several.
printf 'log -n 0\nget @1 '"'x\ny' 'z\n~q'"'\n' >s
expect 2 a.flume --script s
expect_err_has "s:2:8: error: "

# --- What is not plain text. ---
printf '\357\273\277append -l bom x\r\nappend -l crlf y\r\nappend -l crlf <<E\r\n1\r\n2\r\nE\r\nlog -l crlf --mode json\r\n' >s
expect 0 a.flume --script s
expect 0 a.flume log -l crlf --json
expect_same '["y","1\n2"]' "$(jq -cs '[.[].payload]' out)" "CRLF"
expect 0 a.flume log -l bom
printf 'append -l bin \001\002\177\377\200x\n' >s
expect 0 a.flume --script s
expect 0 a.flume log -l bin --mode raw
printf '\001\002\177\377\200x\n' >wanted
expect_same_files wanted out "any bytes"
printf 'log -n 0\nappend a\000b\n' >s
expect 2 a.flume --script s
expect_err_has "s:2:9: error: a line cannot hold a NUL byte"
expect 6 a.flume --script .
expect_err_has ". cannot be read: Is a directory"
expect 6 a.flume --script /proc/self/mem
expect_err_has "/proc/self/mem cannot be read: Input/output error"
expect 6 a.flume --script ''
expect 6 a.flume --script missing --json
expect_jq err '.name == "io" and .code == 6'
if [ "$(id -u)" -ne 0 ]; then
    : >closed
    chmod 0 closed
    expect 6 a.flume --script closed
    expect_err_has "closed cannot be read: Permission denied"
fi

# --- Large lines. ---
{ printf 'append -l large '; head -c 1048576 /dev/zero | tr '\0' 'x'; echo; } >s
expect 0 a.flume --script s
expect 0 a.flume log -l large --mode raw
expect_same 1048577 "$(wc -c <out)" "a line of 1 MB"
{ printf 'append -l lines <<END\n'; seq 200000; printf 'END\n'; } >s
expect 0 a.flume --script s
expect 0 a.flume log -l lines --mode raw
seq 200000 >wanted
expect_same_files wanted out "a heredoc of many lines"
{ printf 'log -n 0\nappend '; head -c 1048576 /dev/zero | tr '\0' 'x'; printf ' --frob\n'; } >s
expect 2 a.flume --script s
expect_err_has "s:2:1048585: error: append has no option --frob"
[ "$(wc -c <err)" -lt 400 ] || fail "an error as large as its line"
# Over the bound: refused, and nothing is kept of it.
{ printf 'log -n 0\nappend '; head -c 22000000 /dev/zero | tr '\0' 'x'; printf '\nappend never\n'; } >s
expect 2 a.flume --script s
expect_err_has "s:2:1: error: this line is longer than 20 MiB"
expect 1 a.flume log --grep never
{ printf 'append <<END\n'; yes | head -c 22000000; } >s
expect 2 a.flume --script s
expect_err_has "this line is longer than 20 MiB"
