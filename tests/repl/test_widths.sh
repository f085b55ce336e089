# Tables on terminals of 40, 80 and 200 columns: display cells, cutting, and what does not fit.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen.sh"

long=$(head -c 300 /dev/zero | tr '\0' y)
for label in ascii 日本語ラベル 表emoji😀 ｱ½é 漢 a; do
    expect 0 a.flume append --create -q -l "$label" "body 中文字符 👩‍👩‍👧 and 😀😀 then $long"
done

# All rows of $screen have this word in the same cell: the terminal itself is asked, row by row,
# with the text that goes before.
expect_aligned() {
    aligned=
    grep -F -e "$1" "$screen" >aligned.rows
    [ "$(wc -l <aligned.rows)" -ge "$2" ] || screen_fail "fewer than $2 rows with $1"
    while IFS= read -r row; do
        printf '%s' "${row%%"$1"*}" >cells.text
        screen_count=$((screen_count + 1))
        screen_socket=$work/.lib/tmux$screen_count
        screen_tmux new-session -d -x 300 -y 5 \
            "export LC_ALL=C.UTF-8; cat '$work/cells.text'; touch '$work/cells.done'; sleep 100"
        wait_until 5 [ -e cells.done ]
        rm cells.done
        at=$(screen_tmux display -p '#{cursor_x}')
        screen_tmux kill-server
        screen_socket=
        [ -n "$aligned" ] || aligned=$at
        expect_same "$aligned" "$at" "the cell of '$1' in: $row"
    done <aligned.rows
}

for columns in 80 200; do
    NO_COLOR=1 screen_start $columns 30 a.flume log
    screen_wait 5 'ended with 0'
    cp "$screen" screen.log
    [ "$(grep -c '…$' screen.log)" -eq 6 ] || screen_fail "each body is cut at $columns columns"
    expect_aligned 'body' 6
    cp screen.log "$screen"
    expect_aligned '…' 6
    cp screen.log "$screen"
    # A row takes one row of the screen, and uses it: header, 6 rows, the end.
    expect_same 8 "$(grep -c . screen.log)" "rows at $columns columns"
    expect_same "$((columns - aligned))" 1 "the ellipsis stands in the last cell"
    NO_COLOR=1 screen_start $columns 30 a.flume label list
    screen_wait 5 'ended with 0'
    expect_aligned ' B ' 6
done

# Any width: no row is wider (wc knows cells), no character is cut off from what is joined to it.
expect 0 b.flume append --create -q -l run/1 '漢字かな混じり文です漢字かな混じり文です漢字かな混じり文です漢字かな'
expect 0 c.flume append --create -q -l run/1 'é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧é👩‍👩‍👧'
columns=60
while [ $columns -lt 80 ]; do
    COLUMNS=$columns expect 0 b.flume log --mode table
    [ "$(wc -L <out)" -le $columns ] || fail "a row is wider than $columns"
    [ "$(wc -L <out)" -ge $((columns - 1)) ] || fail "a row leaves room at $columns"
    grep -q '…$' out || fail "no ellipsis"
    COLUMNS=$columns expect 0 c.flume log --mode table
    sed 's/👩‍👩‍👧//g; s/é//g' out >rest
    grep -q '👩\|👧\|‍' rest && fail "a family was torn apart at $columns"
    grep -q '👩‍👩‍👧.*…$' out || fail "no family at $columns"
    columns=$((columns + 1))
done

# Into a file nothing is cut; unless COLUMNS says how wide it is to be.
expect 0 a.flume log --mode table
grep -q "$long\$" out || fail "a table in a file was cut"
expect 0 a.flume log
grep -q "$long\$" out || fail "plain was cut"

# Without UTF-8 the ellipsis is of dots.
LC_ALL=C COLUMNS=80 expect 0 a.flume log --mode table
grep -q '\.\.\.$' out || fail "no dots"
grep -q '…' out && fail "a character that the locale does not have"

# What does not fit at all: a field a line, whole; unless a table was asked for.
NO_COLOR=1 screen_start 30 60 a.flume log -n 2
screen_wait 5 'ended with 0'
screen_has 'labels   ascii'
screen_has 'labels   日本語ラベル'
screen_has 'time     20'
screen_has_not '…'
NO_COLOR=1 screen_start 30 60 a.flume log -n 2 --mode table
screen_wait 5 'ended with 0'
screen_has 'seq  time'
screen_has '…'

# Columns that can be spared are, before a table is given up.
NO_COLOR=1 screen_start 62 20 a.flume view status
screen_wait 5 'ended with 0'
screen_wait_row 1 '^view +state +at +lag +entries +disk +why$'

# Marks without a character, controls and what turns the writing are escaped; marks are bounded.
printf '\314\201x \342\200\256y \302\233z \357\273\277 \342\200\213' |
    expect 0 d.flume append --create -q -
expect 0 d.flume log --mode table
expect_out_has '\xcc\x81x \xe2\x80\xaey \xc2\x9bz \xef\xbb\xbf \xe2\x80\x8b'
{ printf 'a'; i=0; while [ $i -lt 2000 ]; do printf '\314\201'; i=$((i + 1)); done; } |
    expect 0 e.flume append --create -q -
COLUMNS=80 expect 0 e.flume log --mode table
[ "$(wc -c <out)" -le 400 ] || fail "marks without end in a table"
