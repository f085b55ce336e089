# What is pasted: a line of a megabyte, several lines, binary. The prompt is there afterwards, and
# the terminal is in order.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/screen.sh"
export FLUME_HISTORY= FLUME_HINTS=0
expect 0 a.flume append --create -q first

# Behind whatever is in the line.
still_there() {
    screen_wait_row 20 '^(flume|quote|json)>'
    screen_keys C-c
    screen_wait_row 20 '\^C$'
    screen_wait_row 5 '^flume>$'
    screen_enter "append '$1'"
    wait_until 20 sh -c "'$FLUME' a.flume get last | grep -qx '$1'"
    screen_keys C-l
    screen_enter 'get last'
    screen_wait_row 5 "^$1\$"
    screen_wait_row 5 '^flume>$'
}

# A megabyte in one line, between the terminal's marks and as if it were typed.
{
    printf 'append '
    head -c 786432 /dev/urandom | base64 -w 0
} >megabyte
for how in marked plain; do
    screen_start 80 24 a.flume
    screen_wait 5 'flume>'
    screen_paste megabyte $how
    screen_wait 20 "$(tail -c 8 megabyte)"
    screen_keys Enter
    size=$(($(wc -c <megabyte) - 7))
    wait_until 30 sh -c "'$FLUME' a.flume get last --meta --json | jq -e '.bytes == $size'"
    "$FLUME" a.flume get last >out
    screen_wait_row 20 "^@[0-9]+ +($size|1[.]0 MiB)"
    tail -c +8 megabyte >wanted
    expect_same_files wanted out "a pasted megabyte"
    still_there "after $how"
done

# Several lines run one after the other; the last one waits for Enter.
printf 'append l1\nappend "l2\nmore" \r\nappend l3\nget fir' >lines
screen_paste lines
screen_wait 5 'flume> get fir'
screen_type 'st'
screen_keys Enter
screen_wait_row 5 '^first$'
expect 0 a.flume get last
expect_out l3
expect 0 a.flume get last~1
expect_out 'l2
more'
# Tabs and escapes of a paste are characters, no keys.
printf 'append "tab\there \033[A \001"' >controls
screen_paste controls
screen_keys Enter
wait_until 5 sh -c "'$FLUME' a.flume get last | grep -q tab"
"$FLUME" a.flume get last >out
printf 'tab\there \033[A \001' >wanted
expect_same_files wanted out "control characters of a paste"
still_there "before binary"

# Bytes that are no text: what cannot stand in a line is replaced, and that is said.
head -c 4096 /dev/urandom | tr -d '\n\r' >binary
{
    printf "append '"
    tr -d "'" <binary
    printf "'"
} >line
screen_paste line
screen_keys Enter
screen_wait 5 'are not UTF-8'
still_there "after binary"
# As if it were typed, every byte is a key: whatever that does, the prompt comes back.
tr -d '\004' <binary >keys # Ctrl-D may leave.
screen_paste keys plain
still_there "after binary keys"
printf 'append "\377\200\303\302x"' >line
screen_paste line plain
screen_keys Enter
wait_until 5 sh -c "'$FLUME' a.flume get last | grep -q x"
expect 0 a.flume get last
expect_same "$(printf '\357\277\275\357\277\275\357\277\275\357\277\275x')" "$(cat out)" "bytes that are no UTF-8"
still_there "at the end"

# A mark of a beginning without one of an end: Ctrl-C leads out of it, whatever was typed meanwhile.
printf 'append wr-ong\033[200~' >begun # No word of base64: the megabyte above holds many.
screen_paste begun plain
screen_type 'append lo-st'
screen_keys Enter
screen_keys C-c
screen_wait_row 5 '\^C$'
screen_wait_row 5 '^flume>$'
still_there "after a paste without an end"
[ "$("$FLUME" a.flume log --mode raw | grep -c -e wr-ong -e lo-st)" = 0 ] || fail "it was appended"
