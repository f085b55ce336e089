# label: which labels there are and the records that carry them, beside what jq counts in the log.
. "$(dirname "$0")/lib.sh"

expect 7 missing.flume label list
expect 0 a.flume init
expect 0 a.flume label list
expect_no_out
expect 0 a.flume label count
expect_out "0	0	0		
"
i=0
while [ $i -lt 60 ]; do
    labels=
    [ $((i % 2)) -eq 0 ] && labels="-l even"
    [ $((i % 3)) -eq 0 ] && labels="$labels -l three"
    labels="$labels -l run/$((i % 7))"
    # shellcheck disable=SC2086 # Words.
    "$FLUME" a.flume append $labels -q "record $i" || fail "append"
    i=$((i + 1))
done
expect 0 a.flume append -l "größe" -l "a b" "odd labels"

# oracle: label, count, bytes, first, last of each, by byte order of the labels.
"$FLUME" a.flume log --json |
    jq -r '. as $r | .labels[] | [., $r.bytes, $r.seq] | @tsv' >pairs
LC_ALL=C awk -F '\t' '
    { count[$1]++; bytes[$1] += $2; last[$1] = $3; if (!($1 in first)) first[$1] = $3 }
    END { for (label in count)
        printf "%s\t%d\t%d\t@%d\t@%d\n", label, count[label], bytes[label], first[label],
            last[label] }' pairs | LC_ALL=C sort >oracle

expect 0 a.flume label list
expect_same_files oracle out "label list"
expect 0 a.flume label
expect_same_files oracle out "label alone lists"
expect 0 a.flume label list --json
expect_json out
jq -r '[.label, .count, .bytes, "@\(.first)", "@\(.last)"] | @tsv' out >rows
expect_same_files oracle rows "label list --json"
expect_jq out '.type == "label"'
expect 0 a.flume label list run/
grep '^run/' oracle | cmp -s - out || fail "label list run/"
expect 0 a.flume label list --regex '^(even|t.*e)$'
grep -E '^(even|three)	' oracle | cmp -s - out || fail "label list --regex"
expect 0 a.flume label list run/ --regex '[1-3]$' -n 2
expect_same "run/1 run/2 " "$(cut -f 1 out | tr '\n' ' ')"
expect 1 a.flume label list nothing/
expect_no_err
expect 2 a.flume label list --regex '('
expect_err_has "^"
expect 0 a.flume label list -n 0
expect_no_out

expect 0 a.flume label count
expect_same "$(awk -F '\t' '{ n++; c += $2; b += $3 } END { print n, c, b }' oracle)" \
    "$(cut -f 1-3 out | tr '\t' ' ')" "label count"
expect 0 a.flume label count run/ --json
expect_jq out '.type == "labels" and .labels == 7 and .count == 60'

# Records, as log shows them.
raw() {
    "$FLUME" a.flume "$@" --mode raw
}
with() {
    "$FLUME" a.flume log --json | jq -r "select(.labels | $1) | .payload"
}
expect_same "$(with 'index("three")')" "$(raw label show three)" "label show"
expect_same "$(raw log -l three)" "$(raw label show three)" "label show and log -l"
expect_same "$(raw log -l three -l run/1)" "$(raw label any three run/1)" "label any and log -l -l"
expect_same "$(with 'index("even") and index("three")')" "$(raw label all even three)" "label all"
expect_same "$(with 'index("even") and index("three") and index("run/4")')" \
    "$(raw label all even three run/4)" "label all of three"
expect_same "$(with 'index("run/1") or index("run/2") or index("three")')" \
    "$(raw label any run/2 three run/1)" "label any"
expect_same "$(raw label show three | head -n 2)" "$(raw label show three -n 2)"
expect_same "odd labels" "$(raw label show größe)"
expect 0 a.flume label show three --json
expect_json out
expect_jq out '.type == "record" and .payload == "record 0"'

# What is not there.
expect 1 a.flume label show thre
expect_err_has "no label 'thre'"
expect_err_has "did you mean three?"
expect 1 a.flume label all three evne
expect_err_has "did you mean even?"
expect 1 a.flume label all run/1 run/2
expect_no_err
expect 0 a.flume label all run/1 run/2 --no-fail-empty
expect 0 a.flume label any nothing three -n 1
expect 1 a.flume label any nothing neither
expect 2 a.flume label show
expect_err_has "label show needs an operand"
expect 2 a.flume label show three even
expect 2 a.flume label shwo three
expect_err_has "did you mean show?"
expect 2 a.flume label list --grep x
expect 2 a.flume label show three --regex x
expect_err_has "it belongs to: label list, label count"

# Without views/, and while others append.
rm -rf a.flume/views
expect 0 a.flume label list
expect_same_files oracle out "after rm -rf views"
expect 0 a.flume append -l three behind
expect 0 a.flume label show three --stale-ok --mode raw
expect_err_has "view label answers as of @"
expect_same "$(with 'index("three")')" "$(raw label show three)" "after an append"

# Thousands of labels: to a reader that goes away, and to a disk that is full.
expect 0 m.flume init
seq 4000 | awk '{
    printf "{\"type\":\"record\",\"time\":\"2026-11-20T00:00:00Z\","
    printf "\"labels\":[\"a-long-label-%d\"],", $1
    print "\"kind\":\"message\",\"codec\":\"text\",\"bytes\":1,\"enc\":\"utf8\",\"payload\":\"x\"}"
}' >labelled.ndjson
expect 0 m.flume import labelled.ndjson
expect 0 m.flume label list
expect_out_lines 4000
"$FLUME" m.flume label list 2>err | head -n 1 >/dev/null
expect_no_err
"$FLUME" m.flume label list >/dev/full 2>err
expect_same 6 $? "a full disk"
expect_err_has "output cannot be written"
"$FLUME" m.flume view rows label >/dev/full 2>err
expect_same 6 $? "a full disk"
expect_same 1 "$(grep -c ^error: err)" "one error for one full disk"
"$FLUME" m.flume label any a-long-label-1 a-long-label-2 >/dev/full 2>err
expect_same 6 $? "a full disk"
