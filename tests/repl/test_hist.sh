# test_hist.sh - flume hist: bins of powers of two; checked against the whole log.
. "${0%/*}/lib.sh"

awk 'BEGIN {
    srand(11)
    for (i = 0; i < 2000; i++) {
        size = i % 100 == 0 ? 0 : int(exp(rand() * 5)) + (rand() < 0.01 ? 3000 : 0)
        body = sprintf("%*s", size, "")
        gsub(" ", "x", body)
        if (size == 0)
            body = ""
        t += rand() < 0.2 ? 0 : rand() < 0.1 ? 100000 : int(rand() * 10)
        printf "{\"type\":\"record\",\"time\":\"%s\",\"kind\":\"message\",\"codec\":\"text\",",
            strftime("%Y-%m-%dT%H:%M:%SZ", 1000000000 + t - (i == 1000 ? 5 : 0), 1)
        printf "\"labels\":[\"%s\"],\"enc\":\"utf8\",\"payload\":\"%s\"}\n", i % 3 ? "a" : "b", body
    }
}' >export 2>/dev/null || { echo "skipped: this awk has no strftime"; exit 77; }
expect 0 a.flume import --create export
"$FLUME" a.flume log --json >all || fail "log"

# bins FILTER: what hist should show of the numbers that the filter gives of all records.
bins() {
    jq -c -s "def bin: if . <= 0 then 0 else (log2 | floor) + 1 end;
        def from: if . == 0 then 0 else pow(2; . - 1) end;
        [$1] | map(bin) as \$bins | range(\$bins | min; (\$bins | max) + 1) as \$bin |
        {from: (\$bin | from), count: (\$bins | map(select(. == \$bin)) | length)}" all
}
shown() {
    jq -c '{from, count}' out
}

# ---- size ----

expect 0 a.flume hist size --json
expect_json out
expect_same "$(bins '.[].bytes')" "$(shown)" "sizes"
expect_jq out '.type == "bin" and .from == 4 and .to == 7'
expect_jq out '.count == 0'
expect 0 a.flume hist size -l b --json
expect_same "$(bins '.[] | select(.labels == ["b"]).bytes')" "$(shown)" "sizes of a label"
expect 0 a.flume hist size --since 2001-09-20 --json
expect_same "$(bins '.[] | select(.time >= "2001-09-20").bytes')" "$(shown)" "sizes since"
expect 0 a.flume hist size
expect_out_has "4	7	"
expect_same 3 "$(awk -F '\t' 'NR == 1 { print NF }' out)" "cells"

# ---- gap ----

ns='def ns: (.time[:19] + "Z" | fromdate) * 1000000000;'
gaps() {
    jq -c -s "$ns map(select($1)) | [.[] | ns] as \$t | [range(1; \$t | length) |
        \$t[.] - \$t[. - 1] | select(. >= 0)]" all >gaps.json
    jq -c "def bin: if . <= 0 then 0 else (log2 | floor) + 1 end;
        def from: if . == 0 then 0 else pow(2; . - 1) end;
        map(bin) as \$bins | range(\$bins | min; (\$bins | max) + 1) as \$bin |
        {from: (\$bin | from), count: (\$bins | map(select(. == \$bin)) | length)}" gaps.json
}
expect 0 a.flume hist gap --json
expect_same "$(gaps true)" "$(shown)" "gaps"
expect_err_has "older than the one before"
expect 0 a.flume hist gap -l a --json
expect_same "$(gaps '.labels == ["a"]')" "$(shown)" "gaps of a label"

# ---- latency: measured elsewhere ----

find a.flume -type f -newer all >before
mkdir tmp
TMPDIR=$work/tmp expect 0 a.flume hist latency --json
expect_json out
expect_same 2000 "$(jq -s 'map(.count) | add' out)" "appends"
expect_jq out '.from > 0'
expect_same "" "$(ls tmp)" "its basin is taken away"
expect_same "$(jq -r .head <<END
$("$FLUME" a.flume info --json)
END
)" 2001 "the basin was not written to"
expect 0 hist latency -q
expect_no_err
expect 2 a.flume hist latency -l a
expect_err_has "measured now"
TMPDIR=/nonexistent expect 6 a.flume hist latency

# ---- the picture ----

expect 0 a.flume hist size --mode table
expect_out_has "█"
[ "$(wc -L <out)" -le 80 ] || fail "too wide"
LC_ALL=C expect 0 a.flume hist gap --mode table
expect_out_has "####"
tr -d '\t' <out | LC_ALL=C grep -q '[^ -~]' && fail "only ASCII in the locale C"

# ---- nothing, one, mistakes ----

expect 0 empty.flume init
expect 0 empty.flume hist size --json
expect_no_out
expect 0 empty.flume append x
expect 0 empty.flume hist size
expect_out "1	1	1
"
expect 0 empty.flume hist gap
expect_no_out
expect 2 a.flume hist sise
expect_err_has "did you mean size?"
expect 2 a.flume hist
expect 7 nowhere.flume hist size
