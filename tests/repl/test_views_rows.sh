# view rows of declared views, bookmarks and the catalog, decoded; and a declaration that is changed.
. "$(dirname "$0")/lib.sh"

seq 20 | awk '{ printf "{\"n\":%d,\"host\":\"h%d\"}\n", $1, $1 % 3 }' >bodies
expect 0 a.flume append --create --each json -l r/1 -q <bodies
expect 0 a.flume append -q '{"n":-100000.25,"host":"neg"}' '{"n":0.1,"host":"z"}' \
    '{"n":0.2,"host":"z"}' '{"n":"text"}' 'no JSON'
expect 0 a.flume view add n --json-path .n --type number
expect 0 a.flume view add one --json-path .host --unique
expect 0 a.flume view add total --reduce sum --json-path .n --by .host
expect 0 a.flume view add newest --reduce last --json-path .host --by label -l r/1
expect 0 a.flume view add largest --reduce max --json-path .n
expect 0 a.flume view add many --reduce count

# rows VIEW WANTED: keys, seqs and values, a tab between.
rows() {
    expect 0 a.flume view rows $1
    expect_out "$2"
}
expect 0 a.flume view rows catalog --json
expect_json out
# value VIEW: what the catalog says.
value() {
    jq -r "select(.key == \"$1\").value" out
}
expect_same "version 1, field .n, number" "$(value n)"
expect_same "version 1, field .host, unique" "$(value one)"
expect_same "version 1, sum of .n by .host" "$(value total)"
expect_same "version 1, last of .host by label, only label r/1" "$(value newest)"
expect_same "version 1, max of .n" "$(value largest)"
expect_same "version 1, count" "$(value many)"
seq_of_n=$(jq 'select(.key == "n").seq' out)
expect 0 a.flume get "@$seq_of_n" --json
expect_jq out '.kind == "view"'

t='	'
expect 0 a.flume view rows n --table count
expect_out "count${t}${t}23 indexed, 1 not JSON, 6 lack it, 1 of another type
"
expect 0 a.flume view rows n -n 3
expect_same "-100000.25 0.1 0.2" "$(awk '{ printf "%s%.10g", (NR > 1 ? " " : ""), $1 }' out)" \
    "numbers in their order"
rows total "h0${t}${t}6 records, sum 63
h1${t}${t}7 records, sum 70
h2${t}${t}7 records, sum 77
neg${t}${t}1 records, sum -100000.25
z${t}${t}2 records, sum 0.3
"
expect 0 a.flume view rows total h1
expect_out_lines 1
rows newest "r/1${t}@20${t}20 records, h2
"
rows largest "${t}@25${t}24 records, text
"
rows many "${t}${t}31 records
"
expect 0 a.flume view rows one
expect_same "h0@18 h1@19 h2@20 neg@22 z@24" "$(cut -f 1,2 out | tr -d '\t' | tr '\n' ' ' |
    sed 's/ $//')" "unique: the newest"
# Sums that need many words, and that are negative.
expect 0 s.flume append --create -q '{"x":1e300}' '{"x":-1e300}' '{"x":1e-300}'
expect 0 s.flume view add x --reduce sum --json-path .x
rows_of_x() {
    expect 0 s.flume view rows x
    cut -f 3 out | sed 's/.*sum //'
}
expect_same 1e-300 "$(rows_of_x)" "sum"
expect 0 s.flume append -q '{"x":-3e-300}' '{"x":-12345678}'
expect_same -12345678 "$(rows_of_x)" "sum"

# Bookmarks.
expect 0 a.flume mark here @3 -m 'a note' -l r/2
expect 0 a.flume mark here @4
expect 0 a.flume view rows label --table mark --json
expect_jq out '.key == "here" and .seq == 4 and (.value | test("^set by @[0-9]+ at 20"))'
expect 0 a.flume mark drop here
expect 0 a.flume view rows label --table mark_history
expect_out_lines 3
expect_out_has "note: a note, labels: r/2"
tail -n 1 out | grep -q "dropped, set by @" || fail "the history ends with a dropped name"

# Blobs: by content, and by record.
head -c 1500000 /dev/zero >zeros
expect 0 b.flume blob put --create zeros --json
zeros=$(jq -r .hash out)
expect 0 b.flume blob put zeros --name again
printf inline >small
expect 0 b.flume blob put small --json
small=$(jq -r .hash out)
expect 0 b.flume view rows blob
sort out >sorted
printf '%s\n' "$zeros${t}@1${t}chunked, 1500000 bytes, 2 chunks" \
    "$zeros${t}@3${t}again, 1500000 bytes, 2 chunks" "$small${t}@5${t}inline, 6 bytes" | sort >wanted
cmp -s wanted sorted || fail "rows of blobs: $(cat out)"
expect 0 b.flume view rows blob --table record --limit 1 --json
expect_jq out '.key == "1" and .seq == 1 and .value == "'"$zeros"', chunked, 1500000 bytes, 2 chunks"'

# A view of which this program has no code is there, but cannot be read.
expect 9 b.flume/grains view rows chunk
expect_err_has "its code is not here"

# ---- a declaration is changed ----

of_n() {
    "$FLUME" a.flume view status n --json | jq -s -r "map(select(.why != \"an earlier version: it goes\"))[0].$1"
}
expect 0 a.flume view sync n
expect_same "1 live" "$(of_n version) $(of_n state)" "before"
expect 0 a.flume view add n --json-path .host
expect_same "2 closed" "$(of_n version) $(of_n state)" "another declaration is another version"
expect 0 a.flume view rows catalog
grep -qx "n${t}@[0-9]*${t}version 2, field .host" out || fail "the catalog has the new one"
expect 0 a.flume find n h0 --mode raw
expect_out_lines 6
expect_same "2 live" "$(of_n version) $(of_n state)" "it is built when it is asked"
# The old one is not waited for, rebuilt or verified, but goes.
expect 0 a.flume view sync n
expect_out_lines 1
expect 0 a.flume view rebuild n
expect_out_lines 1
# The same once more changes nothing.
expect 0 a.flume info --json
head=$(jq .head out)
expect 0 a.flume view add n --json-path .host
expect 0 a.flume log "@$head.." --kind view --no-fail-empty
expect_no_out
expect 0 a.flume view rows catalog --json
expect_same 2 "$(jq -r 'select(.key == "n").value' out | sed 's/version \([0-9]*\).*/\1/')" "version"
expect 0 a.flume view drop n
expect 0 a.flume view rows catalog
grep -q "^n.*version 2, dropped" out || fail "dropped"
