# test_top.sh - flume top: the largest records, the busiest labels; checked against the whole log.
. "${0%/*}/lib.sh"

# ---- a log with sizes, labels and times of all kinds ----

awk 'BEGIN {
    srand(7)
    split("a b 日本 x<&>\"y run/1 run/2 quo\x27te", name, " ")
    for (i = 0; i < 3000; i++) {
        size = int(exp(rand() * 9))
        body = sprintf("%*s", size, "")
        gsub(" ", "x", body)
        label = name[1 + int(rand() * rand() * 7)]
        gsub("\"", "\\\"", label)
        second = i % 7 == 0 ? ", \"twice\"" : ""
        printf "{\"type\":\"record\",\"time\":\"%d-01-01T00:%02d:%02dZ\",", 2000 + int(i / 100),
            i % 60, i % 59
        printf "\"kind\":\"message\",\"codec\":\"text\","
        printf "\"labels\":[%s],\"enc\":\"utf8\",\"payload\":\"%s\"}\n",
            i % 11 == 0 ? "" : "\"" label "\"" second, body
    }
}' >export
expect 0 a.flume import --create export
"$FLUME" a.flume log --json >all || fail "log"
expect_same 3000 "$(wc -l <all)" "records"

# ---- by bytes ----

# largest N FILTER: seq and bytes of the largest records that fit.
largest() {
    jq -r -s "map(select($2)) | sort_by([-.bytes, .seq])[:$1][] | \"\\(.seq) \\(.bytes)\"" all
}
shown() {
    jq -r '"\(.seq) \(.bytes)"' out
}
expect 0 a.flume top --json
expect_json out
expect_same "$(largest 10 true)" "$(shown)" "the ten largest"
expect_jq out '.type == "record" and (.time | test("Z$")) and (.labels | type == "string")'
expect 0 a.flume top -n 500 --json
expect_same "$(largest 500 true)" "$(shown)" "the 500 largest, equals by seq"
expect 0 a.flume top -n 5000 --json
expect_out_lines 3000
expect 0 a.flume top -l run/1 --json
expect_same "$(largest 10 '.labels | index("run/1")')" "$(shown)" "of a label"
expect 0 a.flume top -l run/1 -l 日本 -n 50 --json
expect_same "$(largest 50 '.labels | (index("run/1") or index("日本"))')" "$(shown)" "of two"
expect 0 a.flume top --since 2010-01-01 --until 2011-01-01 --json
expect_same "$(largest 10 '.time >= "2010" and .time < "2011"')" "$(shown)" "of a year"
expect 0 a.flume top -n 1
expect_out_lines 1
expect_same 4 "$(awk -F '\t' '{ print NF }' out)" "cells"
expect 0 a.flume top -n 0
expect_no_out
expect 2 a.flume top -n 65537
expect_err_has "65536"
expect 2 a.flume top --by size
expect 7 b.flume top

# ---- by count ----

# busiest N FILTER: labels with their counts and bytes, busiest first.
busiest() {
    jq -r -s "[map(select($2))[] | . as \$r | .labels[] | {label: ., r: \$r}] | group_by(.label) |
        map({label: .[0].label, count: length, bytes: (map(.r.bytes) | add),
             first: (map(.r.seq) | min), last: (map(.r.seq) | max)}) |
        sort_by([-.count, .label])[:$1][] | [.label, .count, .bytes, .first, .last] | tojson" all
}
counted() {
    jq -r '[.label, .count, .bytes, .first, .last] | tojson' out
}
expect 0 a.flume top --by count --json
expect_same "$(busiest 10 true)" "$(counted)" "the busiest labels"
expect 0 a.flume top --by count -n 2 --json
expect_same "$(busiest 2 true)" "$(counted)" "the two busiest"
expect 0 a.flume top --by count --since 2012-01-01 --json
expect_same "$(busiest 10 '.time >= "2012"')" "$(counted)" "since a year"
expect 0 a.flume top --by count -l twice --json
expect_same "$(busiest 10 true | grep '"twice"')" "$(counted)" "of a label"
expect 0 a.flume top --by count
expect_out_has "日本	"

# More labels than it counts at once.
seq -f '{"type":"record","time":"2020-01-01T00:00:00Z","kind":"message","codec":"text","labels":["n/%.0f","all"],"enc":"utf8","payload":""}' 70000 >many
expect 0 m.flume import --create many
expect 0 m.flume top --by count -n 1 --since 2019-01-01 --json
expect_jq out '.label == "all" and .count == 70000'
expect_err_has "at least"

# ---- nothing, damage, Ctrl-C ----

expect 0 empty.flume init
expect 0 empty.flume top --json
expect_no_out
expect 0 empty.flume top --by count
expect_no_out

expect 0 d.flume append --create first second third
printf XXXX | dd of="$(echo d.flume/log/*.strata)" bs=1 seek=4264 conv=notrunc 2>/dev/null
run d.flume top --json
expect_code 4
expect_err_has "damaged"

expect 0 comma.flume append --create -l 'a,b' -l c x
expect 0 comma.flume top --mode csv
expect_out_has '"a\,b,c"'

seq 300000 | "$FLUME" big.flume append --create --forgetful -q --each line || fail "append"
"$FLUME" big.flume top -n 60000 >out 2>err &
child=$!
will_end $child
sleep 0.02 # In the midst or at its end: both are right.
kill -INT $child
wait $child
code=$?
[ $code -eq 130 ] || [ $code -eq 0 ] || fail "code $code"
[ $code -eq 0 ] || expect_no_out
