# test_plot.sh - flume plot: the numbers against the whole log, the SVG as XML, the same bytes each
# time, in bounded size, for logs of every shape.
. "${0%/*}/lib.sh"
command -v xmllint >/dev/null || { echo "skipped: no xmllint"; exit 77; }

kinds="rate lag size timeline"

# line TIME LABELS TEXT: a record to import.
line() {
    printf '{"type":"record","time":"%s","kind":"message","codec":"text",' "$1"
    printf '"labels":[%s],"enc":"utf8","payload":"%s"}\n' "$2" "$3"
}

# draw BASIN KIND WORD...: into $work/svg, which must be well-formed, of few points and clean bytes.
draw() {
    expect 0 "$1" plot "$2" -o svg --json
    draw_kind=$2
    expect_json out
    xmllint --noout svg 2>err || fail "not well-formed: $*"
    jq -e '.points <= 2000' out >/dev/null || fail "too many points: $*"
    LC_ALL=C tr -d '\n' <svg | LC_ALL=C grep -q '[[:cntrl:]]' && fail "control bytes: $*"
    grep -q '<script\|href=\|url(' svg && fail "not plain: $*"
    grep -q 'prefers-color-scheme:dark' svg || fail "only for light screens: $*"
    [ "$(xmllint --xpath 'string(/*/@width)' svg)" = 800 ] || fail "width: $*"
}

# ---- a log of a day: many labels, a gap, bookmarks ----

awk 'BEGIN {
    srand(5)
    split("run/1 run/2 note 日本語 a<b>&c] emoji🚀 x1 x2 x3 x4 x5 x6 x7 x8 x9 quo\x27te", name, " ")
    for (i = 0; i < 4000; i++) {
        second = int(i * 20)
        if (i > 2500)
            second += 14400
        size = int(exp(rand() * 7))
        body = sprintf("%*s", size, "")
        gsub(" ", "y", body)
        printf "{\"type\":\"record\",\"time\":\"%s\",\"kind\":\"message\",\"codec\":\"text\",",
            strftime("%Y-%m-%dT%H:%M:%SZ", 1700000000 + second, 1)
        printf "\"labels\":[%s],\"enc\":\"utf8\",\"payload\":\"%s\"}\n",
            i % 10 == 0 ? "" : "\"" name[1 + int(rand() * rand() * 16)] "\"", body
    }
}' >export || { echo "skipped: this awk has no strftime"; exit 77; }
expect 0 a.flume import --create export
"$FLUME" a.flume log --json >all || fail "log"
expect 0 a.flume mark before @100
expect 0 a.flume mark '<&"later' @3000

for kind in $kinds; do
    draw a.flume $kind
    cp svg first
    draw a.flume $kind
    expect_same_files first svg "the same log gives the same bytes: $kind"
    grep -q "$kind" out || fail "says what it drew"
done

# ---- the numbers ----

records_until='2023-11-20' # Bookmarks are records of today.
expect 0 a.flume plot rate --until $records_until --json
expect_json out
expect_same 4000 "$(jq -s 'map(.records) | add' out)" "each record once"
expect_same "$(jq -s 'map(.bytes) | add' all)" "$(jq -s 'map(.bytes) | add' out)" "all bytes"
[ "$(wc -l <out)" -le 1000 ] || fail "too many buckets"
# The buckets are even, begin at round times, and hold what the log says.
jq -s 'def ns: (.time[:19] + "Z" | fromdate); [.[] | ns] as $t | ($t[1] - $t[0]) as $w |
    ([range(1; $t | length) | $t[.] - $t[. - 1]] | unique) == [$w] and $t[0] % $w == 0' out >even
expect_same true "$(cat even)" "even buckets"
jq -s -c '[.[] | {time: (.time[:19] + "Z" | fromdate), records, bytes}]' out >buckets
jq -s -c --slurpfile b buckets '($b[0][1].time - $b[0][0].time) as $w | $b[0][0].time as $from |
    (reduce .[] as $r ({}; ((($r.time[:19] + "Z" | fromdate) - $from) / $w | floor | tostring) as $i
        | .[$i].records += 1 | .[$i].bytes += $r.bytes)) as $sums |
    [range($b[0] | length) | {time: ($from + . * $w), records: ($sums[tostring].records // 0),
        bytes: ($sums[tostring].bytes // 0)}]' all >wanted
expect_same_files wanted buckets "what each bucket holds"
jq -e 'any(.records == 0)' buckets >/dev/null || fail "empty buckets are shown"
expect_jq out '.records > 0 and .rec_s > 0 and .bytes_s >= .rec_s'
expect 0 a.flume plot rate -l run/1 --json
expect_same "$(jq -s 'map(select(.labels == ["run/1"])) | length' all)" \
    "$(jq -s 'map(.records) | add' out)" "of a label"
expect 0 a.flume plot rate -l run/1 -l note --since 2023-11-15 --json
expect_same "$(jq -s 'map(select((.labels == ["run/1"] or .labels == ["note"]) and
    .time >= "2023-11-15")) | length' all)" "$(jq -s 'map(.records) | add' out)" "of two labels"

expect 0 a.flume plot size --until $records_until --json
expect_same 4000 "$(jq -s 'map(select(.label == null).count) | add' out)" "all sizes"
expect_same "$(jq -s 'map(select(.bytes >= 64 and .bytes <= 127)) | length' all)" \
    "$(jq 'select(.label == null and .from == 64).count' out)" "a bin"
expect_same "$(jq -r -s 'map(.labels[0] | strings) | group_by(.) | map([.[0], length]) |
    sort_by([-.[1], .[0]])[:5][] | tojson' all | sort)" "$(jq -r -s 'map(select(.label != null)) |
    group_by(.label) | map([.[0].label, (map(.count) | add)])[] | tojson' out | sort)" "labels"
expect 0 a.flume plot size -l x9 --json
expect_same "x9" "$(jq -r -s 'map(.label | strings) | unique[]' out)" "only what was asked for"

expect 0 a.flume plot timeline --until $records_until --json
expect_same "$(jq -r -s 'map(.labels[0] | strings) | group_by(.) | map([.[0], length]) |
    sort_by([-.[1], .[0]])[:12][] | tojson' all | sort)" "$(jq -r -s 'map(select(.label != null)) |
    group_by(.label) | map([.[0].label, (map(.records) | add)])[] | tojson' out | sort)" "lanes"
expect_same 4000 "$(jq -s 'map(.records // 0) | add' out)" "and the others"
expect_same '"before" "<&\"later"' "$(echo $(jq -c '.bookmark | strings' out))" "bookmarks"
expect_same "$(jq -r 'select(.seq == 100).time' all)" \
    "$(jq -r 'select(.bookmark == "before").time' out)" "where a bookmark stands"
expect 0 a.flume plot timeline -l note --json
expect_same note "$(jq -r -s 'map(.label | strings) | unique[]' out)" "a lane that was asked for"

expect 0 a.flume plot lag --json
expect_jq out '.name == "durable" and .at == .head and .lag == 0'
expect_jq out '.name == "hash" and .lag == .head and .state == "closed"'
expect_jq out '.name == "label" and .lag == 0'

# ---- logs of other shapes ----

expect 0 empty.flume init
expect 0 one.flume append --create -l solo --time 2026-11-20T09:00:00.123456789Z x
expect 0 bare.flume append --create no label at all
{
    line 1970-01-01T00:00:01Z '"epoch"' a
    line 1999-05-05T10:00:00Z '"middle"' bbbbbb
    line 2550-01-01T00:00:00Z '"future"' c
    line 2026-01-01T00:00:00Z '"now"' d
} | "$FLUME" ages.flume import --create -q - || fail "import"
i=0
while [ $i -lt 40 ]; do
    line "2026-11-20T09:00:00.0000000${i}Z" '"a","b"' x
    i=$((i + 1))
done | "$FLUME" burst.flume import --create -q - || fail "import"
expect 0 burst.flume plot timeline --json
expect_same 80 "$(jq -s 'map(.records) | add' out)" "a record counts for each of its labels"
{
    line 2026-11-20T09:00:00Z '"<&>\"'"'"'"' markup
    line 2026-11-20T09:00:01Z '"日本語の長い長い長い長い長い長い名前"' wide
    line 2026-11-20T09:00:02Z '"👩‍👩‍👧‍👦"' joined
    line 2026-11-20T09:00:03Z '"]]>"' cdata
    line 2026-11-20T09:00:04Z '"\uffff\ufffe"' noncharacters
    line 2026-11-20T09:00:05Z '"\u202eturned"' turned
    line 2026-11-20T09:00:06Z "\"$(printf 'l%.0s' $(seq 255))\"" long
} | "$FLUME" 'odd<&">.flume' import --create -q - || fail "import"
expect 0 'odd<&">.flume' mark 'x<script>&amp;'
for basin in empty one bare ages burst 'odd<&">'; do
    for kind in $kinds; do
        draw "$basin.flume" $kind
        expect 0 "$basin.flume" plot $kind --json
        expect 0 "$basin.flume" plot $kind --term
        [ "$(wc -L <out)" -le 110 ] || fail "too wide: $basin $kind"
    done
done
draw ages.flume rate
xmllint --xpath '//*[local-name()="text"]/text()' svg | grep -qx 2100 || fail "years at the axis"
draw 'odd<&">.flume' timeline
xmllint --xpath '//*[local-name()="title"]/text()' svg >titles
grep -qF "$(printf 'l%.0s' $(seq 255))" titles || fail "the whole name is in the title"

# Many records and more labels and bookmarks than fit.
awk 'BEGIN { for (i = 0; i < 90100; i++) print "{\"n\":" i "}" }' |
    "$FLUME" big.flume append --create -q --forgetful --each line -l many || fail "append"
seq -f '{"type":"record","time":"2020-01-01T00:00:00Z","kind":"message","codec":"text","labels":["n/%.0f"],"enc":"utf8","payload":""}' 6000 |
    "$FLUME" big.flume import -q - || fail "import"
i=0
while [ $i -lt 90 ]; do
    echo "mark m-$i @$((i * 1000 + 5)) -q"
    i=$((i + 1))
done >marks
while read -r words; do
    # shellcheck disable=SC2086 # Several words.
    "$FLUME" big.flume $words || fail "mark"
done <marks
for kind in $kinds; do
    draw big.flume $kind
    [ "$(wc -c <svg)" -lt 200000 ] || fail "large: $kind"
    for mode in json csv plain; do
        expect 0 big.flume plot $kind --mode $mode
        [ "$(wc -l <out)" -le 2100 ] || fail "too many rows: $kind"
    done
done
draw big.flume timeline
grep -q "later bookmarks are not drawn" svg || fail "says what is left out"

# ---- with characters ----

expect 0 a.flume plot timeline --term
expect_out_has "run/1"
expect_out_has "··"
expect_out_has "^ 2023-11-15"
LC_ALL=C expect 0 one.flume plot timeline --term
LC_ALL=C grep -q '[^ -~]' out && fail "only ASCII in the locale C"
LC_ALL=C expect 0 a.flume plot rate --term
LC_ALL=C grep -q '[^ -~]' out && fail "only ASCII in the locale C"

# ---- mistakes, a full disk, damage, Ctrl-C ----

expect 2 a.flume plot rat
expect_err_has "did you mean rate?"
expect 2 a.flume plot
expect 2 a.flume plot rate --term -o x.svg
expect 2 a.flume plot lag -l x
expect 7 nowhere.flume plot rate
# "-" is standard output, as for other programs.
expect 0 a.flume plot rate -o same.svg -q
expect 0 a.flume plot rate -o -
expect_same_files same.svg out
[ ! -e ./- ] || fail "a file of the name -"
expect 6 a.flume plot rate -o nodir/x.svg
expect_err_has "nodir/x.svg cannot be written"

echo before >full.svg
(
    trap '' XFSZ
    ulimit -f 1
    "$FLUME" a.flume plot timeline -o full.svg
) >out 2>err
code=$?
expect_code 6 "disk full"
expect_err_has "full.svg cannot be written"
expect_same before "$(cat full.svg)" "what was there stays"
expect_same full.svg "$(echo full.svg*)" "nothing is left beside it"

expect 0 d.flume append --create first second third
printf XXXX | dd of="$(echo d.flume/log/*.strata)" bs=1 seek=4264 conv=notrunc 2>/dev/null
run d.flume plot size -o damaged.svg
expect_code 4
xmllint --noout damaged.svg || fail "what reads is drawn"

seq 500000 | "$FLUME" huge.flume append --create --forgetful -q --each line || fail "append"
"$FLUME" huge.flume plot timeline -o cancelled.svg >out 2>err &
child=$!
will_end $child
sleep 0.02 # In the midst or at its end: both are right.
kill -INT $child
wait $child
code=$?
[ $code -eq 130 ] || [ $code -eq 0 ] || fail "code $code"
if [ $code -eq 130 ]; then
    expect_same "cancelled.svg*" "$(echo cancelled.svg*)" "nothing was written"
fi
