# find: records by fields, labels and hashes, and groups of folds, beside what jq finds in the log.
. "$(dirname "$0")/lib.sh"

expect 0 a.flume init
# Two runs: temperatures from -20 to 39, hosts, names; some bodies lack a field, some are odd.
for run in 1 2; do
    i=0
    while [ $i -lt 120 ]; do
        printf '{"temp":%d.5,"name":"item %d","host":"h%d","tags":["t%d","all"],"ok":%s}\n' \
            $((i % 60 - 20)) $i $((i % 3)) $((i % 4)) \
            "$([ $((i % 5)) -eq 0 ] && echo true || echo null)"
        i=$((i + 1))
    done >"run$run"
    expect 0 a.flume append -l "run/$run" --each json -q <"run$run"
done
expect 0 a.flume append -l run/1 --codec json '{"temp":"warm","name":"*"}'
expect 0 a.flume append -l run/1 --codec json '{"name":"a..b","temp":1000}'
expect 0 a.flume append -l run/3 'no JSON at all'
expect 0 a.flume append --codec json '[1,2]'

expect 0 a.flume view add temp --json-path .temp --type number
expect 0 a.flume view add name --json-path .name
expect 0 a.flume view add tags --json-path '.tags[]'
expect 0 a.flume view add ok --json-path .ok
expect 0 a.flume view add newest --json-path .host --unique
expect 0 a.flume view add hosts --reduce count --by .host
expect 0 a.flume view add heat --reduce max --json-path .temp --by label
expect 0 a.flume view add total --reduce sum --json-path .temp
expect 0 a.flume view add seen --reduce count

# same FILTER WORD...: find gives the records that jq picks, in their order.
"$FLUME" a.flume log --json >all
same() {
    filter=$1
    shift
    jq -c "select($filter) | .seq" all >wanted
    [ -s wanted ] || fail "the oracle finds nothing: $filter"
    "$FLUME" a.flume find --json "$@" >found 2>err || fail "find $*"
    jq -c .seq found >seqs
    expect_same_files wanted seqs "find $*"
}
number='(.payload | type == "object" and (.temp | type == "number"))'
all_questions() {
    same '.payload.temp? == 3.5' temp 3.5
    same "$number and .payload.temp >= 20 and .payload.temp <= 30.5" temp 20..30.5
    same "$number and .payload.temp >= 39" temp 39..
    same "$number and .payload.temp <= -19" -- temp ..-19
    same "$number and .payload.temp >= -3 and .payload.temp <= 0" -- temp -3..0
    same "$number" temp ..
    same '.payload.name? == "item 7"' name 'item 7'
    same '.payload.name? | strings | startswith("item 11")' name 'item 11*'
    same '.payload.name? == "*"' name '=*'
    same '.payload.name? == "a..b"' name '=a..b'
    same '.payload.tags? // [] | index("t3")' tags t3
    same '.payload.ok? == true' ok true
    same '.payload | objects | has("ok") and .ok == null' ok null
    same '.labels | index("run/2")' label run/2
    same "$number and .payload.temp >= 20 and .payload.temp <= 30 and
        (.labels | index(\"run/1\"))" temp 20..30 and label run/1
    # and binds tighter than or.
    same "(.payload.name? == \"item 7\") or ($number and .payload.temp > 38 and
        (.labels | index(\"run/2\")))" name 'item 7' or temp 38..100 and label run/2
    same "($number and .payload.temp > 38 and (.labels | index(\"run/2\"))) or
        (.payload.name? == \"item 7\")" temp 38..100 and label run/2 or name 'item 7'
    same '(.payload.tags? // [] | index("t1")) and (.payload.ok? == true) and
        (.labels | index("run/1"))' tags t1 and ok true and label run/1
    same '.payload.name? | strings | . == "item 1" or . == "item 2" or . == "item 3"' \
        name 'item 1' or name 'item 2' or name 'item 3'
    same '.payload.temp? == 1000' temp 1000
}
all_questions

# A unique field names the newest.
for host in h0 h1 h2; do
    expect 0 a.flume find newest $host --json
    expect_same "$(jq -c "select(.payload.host? == \"$host\") | .seq" all | tail -n 1)" \
        "$(jq -c .seq out)" "newest $host"
done

# A hash, whole or its beginning, alone and with more.
hash=$(jq -r 'select(.payload.name? == "item 7") | .hash' all | head -n 1)
expect 0 a.flume append --codec json "$(sed -n 8p run1)" -l copy
"$FLUME" a.flume log --json >all
same ".hash == \"$hash\"" hash "$hash"
same ".hash == \"$hash\"" hash "$(printf %s "$hash" | cut -c 1-16)"
same ".hash == \"$hash\" and (.labels | index(\"copy\"))" hash "$hash" and label copy
same ".hash == \"$hash\" and (.labels | index(\"copy\"))" label copy and hash "$hash"
expect 1 a.flume find hash 0000000000000000
expect 2 a.flume find hash xyz
expect 2 a.flume find hash "$hash" or label copy
expect 2 a.flume find hash "$hash" and hash "$hash"

# Shapes and bounds are those of log.
expect 0 a.flume find label copy --mode raw
expect_out "$(sed -n 8p run1)
"
expect 0 a.flume find temp .. -n 3
expect_out_lines 3
expect_same "$(jq -r "select($number) | .seq" all | head -n 3)" "$(cut -f 1 out | tr -d @)"
expect 0 a.flume find label copy --mode line
expect_out_has "hash     $hash"
expect 1 a.flume find temp 5000
expect_no_out
expect_no_err
expect 0 a.flume find temp 5000 --no-fail-empty

# Following.
"$FLUME" a.flume find temp 2000.. or label late -f --mode raw >followed 2>followed.err &
process=$!
will_end $process
expect 0 a.flume append --codec json '{"temp":2001}'
wait_until 10 has_lines followed 1
expect 0 a.flume append --codec json '{"temp":1}'
expect 0 a.flume append -l late x
wait_until 10 has_lines followed 2
kill -INT $process
wait $process
expect_same 130 $? "exit code after Ctrl-C"
expect_same '{"temp":2001} x ' "$(tr '\n' ' ' <followed)"
expect 0 a.flume find temp 2000.. --live -n 1 --mode raw
expect_out '{"temp":2001}
'
expect 2 a.flume find hash "$hash" -f

# Folds: groups, in byte order.
jq -r '.payload.host? // empty' all | sort | uniq -c | awk '{ print $2 "\t" $1 }' >wanted
expect 0 a.flume find hosts
cut -f 1,2 out | cmp -s - wanted || fail "find hosts"
expect 0 a.flume find hosts h1
expect_same "$(grep '^h1' wanted)" "$(cut -f 1,2 out)"
expect 0 a.flume find hosts 'h*' -n 2
expect_out_lines 2
expect 1 a.flume find hosts h
expect 0 a.flume find heat run/1 --json
expect_json out
expect_jq out '.type == "group" and .group == "run/1" and .value == "warm"'
expect 0 a.flume find heat run/2 --json
expect_jq out '.value == 39.5'
expect_same 39.5 "$("$FLUME" a.flume get "$(jq .seq out)" | jq .temp)" "the record of the maximum"
expect 0 a.flume find total --json
expect_same "$("$FLUME" a.flume log --json | jq -s 'map(.payload.temp? | numbers) | add')" \
    "$(jq .value out)" "the sum of all"
expect 0 a.flume find seen
expect_out_lines 1
expect 2 a.flume find hosts h1 and label run/1
expect 2 a.flume find temp 1 and hosts h1
expect_err_has "it has groups, not records"

# Errors.
expect 1 a.flume find tmep 1
expect_err_has "did you mean temp?"
expect 1 a.flume find nosuch
expect 2 a.flume find temp
expect_err_has "its value is missing"
expect 2 a.flume find temp 1 and
expect_err_has "a term is missing"
expect 2 a.flume find temp 1 or or temp 2
expect 2 a.flume find temp 1 temp 2
expect_err_has "here 'and' or 'or' is wanted"
expect_err_has "^"
expect 2 a.flume find temp warm
expect 2 a.flume find temp warm --json
expect_json err
expect_jq err '.code == 2'
expect 2 a.flume find
expect 7 missing.flume find temp 1

# Waiting, and not.
expect 0 a.flume append -l run/2 --codec json '{"temp":25}'
expect 0 a.flume find temp 25 --stale-ok --no-fail-empty
expect_err_has "view temp answers as of @"
expect 1 a.flume find label run/1 and label run/2 --stale-ok
expect_same 1 "$(wc -l <err)" "one note for one view"
expect 0 a.flume find temp 25 --json
expect_same 1 "$(jq -s 'map(select(.payload.temp == 25)) | length' out)"

# A damaged record hides no other; it is named, and the exit code says so.
expect 0 d.flume init
expect 0 d.flume append -l x "one here"
expect 0 d.flume append -l x "damaged"
expect 0 d.flume append -l x "three"
expect 0 d.flume label show x --mode raw
offset=$("$FLUME" d.flume get last~1 --meta --json | jq .offset)
printf '\377\377' | dd of="$(find d.flume/log -name '*.strata')" bs=1 \
    seek=$((offset + 40)) conv=notrunc 2>/dev/null
expect 4 d.flume label show x --mode raw
expect_out "one here
three
"
expect_err_has "seq 3"

rm -rf a.flume/views
"$FLUME" a.flume log --json >all
all_questions
