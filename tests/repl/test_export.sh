# export | import keeps order, times, labels, kinds, codecs, bytes and batches.
. "$(dirname "$0")/lib.sh"

# What must come back: everything but the seq.
shape() {
    jq -c 'select(.type == "record") | del(.seq)' "$1"
}

expect 0 a.flume init
expect 0 a.flume append -l one -l "zwei,drei" --time 2020-02-29T12:34:56.000000001 text
head -c 5000 /dev/urandom | expect 0 a.flume append --kind 200 --codec 999 -
expect 0 a.flume append ""
printf 'nul\000 and \\u "quotes" \303\251\n' | expect 0 a.flume append -
expect 0 a.flume append --codec json '{ "a" :  [1,   2] }'
expect 0 a.flume append --after last b1 b2 b3
expect 0 a.flume append --after last c1 c2
expect 0 a.flume append single
seq 1000 | expect 0 a.flume append --each line -q
expect 0 a.flume export
expect_json out
cp out a.ndjson
expect_same 3 "$(jq -c 'select(.batch == true)' a.ndjson | wc -l)" "records that the next belongs to"
expect_jq out '.payload == "{ \"a\" :  [1,   2] }" and .enc == "utf8"'
[ "$(jq -r .kind a.ndjson | grep -c manifest)" -eq 0 ] || fail "manifests without --all"

expect 0 b.flume import a.ndjson --create --json
expect_json out
expect_jq out '.type == "imported" and .batches == 2 and .skipped == 0'
expect 0 b.flume export
shape a.ndjson >wanted
shape out >got
expect_same_files wanted got "a round trip"
"$FLUME" a.flume log --mode raw -0 >raw_a
"$FLUME" b.flume log --mode raw -0 >raw_b
expect_same_files raw_a raw_b "the bytes of a round trip"

# Through a pipe, and onto a file.
"$FLUME" a.flume export | "$FLUME" c.flume import --create -q || fail "export | import"
expect 0 c.flume export -o c.ndjson
expect_no_out
shape c.ndjson >got
expect_same_files wanted got "through a pipe"
expect_same "" "$(find . -name '*.tmp')" "temporary files left"

# A part: a batch that is cut stays a batch of what there is.
expect 0 a.flume export last~1000..
expect_out_lines 1001
first=$(jq -r 'select(.payload == "b2") | .seq' a.ndjson)
expect 0 a.flume export "@$first..@$((first + 1))"
expect_out_lines 1
jq -e 'has("batch") | not' out >/dev/null || fail "batch at the end of a part"

# Everything: manifests too, which import passes over.
expect 0 a.flume export --all
cp out all.ndjson
expect_jq out '.kind == "manifest"'
expect 0 d.flume import all.ndjson --create --json
expect_jq out '.skipped > 0'
expect 0 d.flume export
shape out >got
expect_same_files wanted got "manifests are passed over"

# A bad line stops it, is named, and nothing of it goes in.
head -n 3 a.ndjson >bad.ndjson
echo '{"type":"record","time":"2020-01-01T00:00:00Z","kind":"message","codec":"text","enc":"utf8"}' \
    >>bad.ndjson
tail -n 2 a.ndjson >>bad.ndjson
expect 3 e.flume import bad.ndjson --create
expect_err_has "bad.ndjson:4:"
expect_err_has "3 records before it were"
expect 0 e.flume log
expect_out_lines 3
expect 3 e2.flume import bad.ndjson --create --json
expect_json err
expect_jq err '.type == "error" and .code == 3'
good='{"type":"record","time":"2020-01-01T00:00:00Z","labels":[],"kind":"message","codec":"text"'
while read -r line; do
    printf '%s\n' "$line" | expect 2 f.flume import --create
done <<END
nonsense
[]
"x"
{}
{"type":"other"}
$good}
$good,"enc":"utf8"}
$good,"enc":"b64","payload":"###="}
$good,"enc":"b64","payload":"abc"}
$good,"enc":"json","payload":{}}
$good,"enc":"utf8","payload":"x","bytes":2}
$good,"enc":"utf8","payload":"x","batch":1}
$good,"enc":"utf8","payload":"x","labels":[1]}
$good,"enc":"utf8","payload":"x","time":"2h"}
$good,"enc":"utf8","payload":"x"
$(echo "$good" | sed 's/message/nosuch/'),"enc":"utf8","payload":"x"}
$(echo "$good" | sed 's/"text"/65536/'),"enc":"utf8","payload":"x"}
END
expect 0 f.flume log
expect_no_out

# A batch whose end is missing is not appended at all.
head -n 6 a.ndjson >cut.ndjson
grep -n b1 cut.ndjson >/dev/null || fail "the sixth record begins a batch"
expect 3 g.flume import cut.ndjson --create
expect_err_has "a batch is not complete"
expect 0 g.flume log
expect_out_lines 5

expect 6 h.flume import missing.ndjson --create
[ ! -e h.flume ] || fail "a basin for an input that is not there"
expect 7 h.flume import a.ndjson
expect 0 h.flume import /dev/null --create

# Seqs are given anew, and bookmarks name what they named; views are declared there too.
expect 0 k.flume init
for i in 0 1 2 3; do
    expect 0 k.flume append -l run "r$i"
done
expect 0 k.flume mark early run~2 -m "why"
expect 0 k.flume mark late
expect 0 k.flume mark gone run~3
expect 0 k.flume mark drop gone
expect 0 k.flume view add n --json-path .n
expect 0 k.flume append after
expect 0 k.flume mark late
expect 0 k.flume export
cp out k.ndjson
expect 0 l.flume append --create "here before"
expect 0 l.flume import k.ndjson
expect_same r1 "$("$FLUME" l.flume get :early)"
expect_same after "$("$FLUME" l.flume get :late)"
expect 1 l.flume get :gone
expect 0 l.flume mark history late --json
for seq in $(jq .seq out); do
    "$FLUME" l.flume get "$seq" && echo
done >bodies
expect_same "r3 after " "$(tr '\n' ' ' <bodies)"
expect 0 l.flume mark list --json
expect_jq out '.name == "early" and .note == "why" and .state == ""'
expect 0 l.flume view list
cut -f 1,3 out | grep -qx "n	field" || fail "the declared view"
# Of a part, what is missing is said.
expect 0 k.flume export run~1..
cp out part.ndjson
expect 0 n.flume import part.ndjson --create
expect_err_has "warning: 2 bookmarks name records that were not imported with them"
expect_same after "$("$FLUME" n.flume get :late)"
expect 9 n.flume get :early
printf '%s\n' "$good,\"enc\":\"utf8\",\"payload\":\"x\",\"seq\":-1}" | expect 2 n.flume import
