# References that views answer: labels, bookmarks, hashes; and that no other needs views.
. "$(dirname "$0")/lib.sh"

expect 0 a.flume init
for i in 0 1 2 3 4 5; do
    expect 0 a.flume append -l "run/$((i % 2))" "r$i"
done
expect 0 a.flume append -l last -l beef -l 'odd~3' -l 'a..b' -l 17 "odd labels"

# What the log knows by itself leaves no views behind.
for reference in first last last~2 @3 3 seq:3; do
    expect 0 a.flume get "$reference"
done
expect 0 a.flume log @1..last
expect 0 a.flume tail -n 1
expect 0 a.flume append --after last six
[ ! -e a.flume/views ] || fail "a seq opened the views"

# get REFERENCE -> body
get() {
    "$FLUME" a.flume get "$1" || fail "get $1"
}
all_references() {
    expect_same r5 "$(get run/1)"
    expect_same r3 "$(get run/1~1)"
    expect_same r0 "$(get run/0~2)"
    expect_same r4 "$(get label:run/0)"
    expect_same r2 "$(get label:run/0~1)"
    expect_same "odd labels" "$(get label:last)"
    expect_same "odd labels" "$(get label:beef)"
    expect_same "odd labels" "$(get label:17)"
    expect_same "odd labels" "$(get label:a..b)"
    expect_same "odd labels" "$(get label:odd~3~0)"
}
all_references
expect 0 a.flume mark two run/0~1
expect_same r2 "$(get :two)"
expect_same r2 "$(get mark:two)"

# A hash: of the body, as b3sum prints it.
expect 0 a.flume get run/1 --meta --json
hash=$(jq -r .hash out)
expect_same 64 "${#hash}" "digits of a hash"
if command -v b3sum >/dev/null; then
    expect_same "$hash" "$(printf r5 | b3sum | cut -d ' ' -f 1)" "BLAKE3"
fi
expect_same r5 "$(get "$hash")"
expect_same r5 "$(get "hash:$hash")"
expect_same r5 "$(get "$(printf %s "$hash" | tr a-f A-F)")"
length=5
while prefix=$(printf %s "$hash" | cut -c "1-$length"); ! printf %s "$prefix" | grep -q '[a-f]'; do
    length=$((length + 1))
done
expect_same r5 "$(get "$prefix")"
expect_same r5 "$(get "hash:$(printf %s "$hash" | cut -c 1-12)")"

# Equal bodies: the oldest.
expect 0 a.flume append r5
expect_same "$("$FLUME" a.flume get run/1 --json | jq .seq)" \
    "$("$FLUME" a.flume get "$hash" --json | jq .seq)" "of equal bodies"

# --meta says where a record lies; others' forms stay as they are.
expect 0 a.flume get run/1 --meta
expect_same 11 "$(tr '\t' '\n' <out | wc -l)" "columns of --meta"
expect_same "$hash" "$(cut -f 8 out)"
expect 0 a.flume get run/1 --meta --mode line
expect_out_has "hash     $hash"
expect_out_has "offset   "
expect 0 a.flume get run/1 --meta --json
expect_jq out '.strata == 0 and .offset > 0 and .writer == .seq - 1'

# Wherever a record is named.
expect_same "r2 r3 r4 " "$("$FLUME" a.flume log :two..run/1 --mode raw | tr '\n' ' ')"
expect_same "r2 r3 " "$("$FLUME" a.flume log :two.. -n 2 --mode raw | tr '\n' ' ')"
expect_same "r0 r1 " "$("$FLUME" a.flume log ..:two --mode raw | tr '\n' ' ')"
expect_same "r4 r5 " "$("$FLUME" a.flume tail --from run/0 --count 2 --mode raw | tr '\n' ' ')"
expect_same "r3 r4 " "$("$FLUME" a.flume tail --after :two --count 2 --mode raw | tr '\n' ' ')"
expect_same r3 "$("$FLUME" a.flume export :two.. | sed -n 2p | jq -r .payload)"
expect 1 a.flume append --after run/1 "not after the last"
expect_err_has "is not the last record any more"
expect 0 a.flume append -l newest x
expect 0 a.flume append --after newest y

# What is not there: a code, a caret, and what may have been meant.
expect 1 a.flume get rum/1
expect_err_has "no label 'rum/1'"
expect_err_has "did you mean run/1?"
expect_err_has "      ^~~~~"
expect 1 a.flume get rum/1 --json
expect_json err
expect_jq err '.code == 1 and .name == "not_found" and .suggest == ["run/1"] and .arg == "rum/1"'
expect 1 a.flume get :twoo
expect_err_has "did you mean :two?"
expect 1 a.flume get run/1~99
expect_err_has "only 3 records carry label 'run/1'"
expect 1 a.flume get beef
expect_err_has "did you mean label:beef?"
expect 1 a.flume log nolabel..
expect 3 a.flume get run/1 nolabel
expect_out r5

# What is no reference at all.
for word in first~1 17~1 beef~1 run/1~x run/1~ hash:xyz hash:abc hash: seq:x label: mark: : ':a b' \
    ':a~b' "$(printf 'a%0300d' 0)" "$(printf 'a\tb')" "$(printf '\377')"; do
    expect 2 a.flume get "$word"
done
expect 2 a.flume get run/1..run/0
expect_err_has "this is a range"

# A prefix that fits several: exit code 10, with the candidates. Of 3000 bodies some two agree in
# their first four digits.
expect 0 b.flume init
seq 3000 | expect 0 b.flume append --each line -q
"$FLUME" b.flume log --json | jq -r '.hash[0:4]' | grep '[a-f]' | sort | uniq -d >twice
prefix=$(head -n 1 twice)
[ -n "$prefix" ] || fail "no two hashes begin alike"
expect 10 b.flume get "$prefix"
expect_err_has "hashes begin with $prefix"
expect_err_has "give more digits"
"$FLUME" b.flume log --json | jq -r --arg p "$prefix" \
    'select(.hash | startswith($p)) | "\(.hash[0:16])  @\(.seq)"' | sort >wanted
grep -o "${prefix}[0-9a-f]*  @[0-9]*" err | sort >shown
expect_same_files wanted shown "candidates"
expect 10 b.flume get "$prefix" --json
expect_json err
expect_jq err '.name == "ambiguous" and (.candidates | length) >= 2 and
    (.candidates | all((.hash | length == 64) and (.seq | type == "number") and has("body")))'
while read -r digits at; do
    expect_same "${at#@}" "$("$FLUME" b.flume get "$digits" --json | jq .seq)" "$digits"
done <wanted

# Views are disposable: no answer changes without them.
rm -rf a.flume/views
all_references
expect_same r2 "$(get :two)"
rm -rf b.flume/views
expect 10 b.flume get "$prefix"

# Standing still: who may not wait says so.
expect 0 a.flume get run/1 --as-of run/0
expect 1 a.flume get run/1 --as-of @1000000
expect_err_has "^"
expect 2 a.flume get run/1 --as-of x..y
expect 0 a.flume append -l run/1 behind
expect 0 a.flume get run/1 --stale-ok
expect_err_has "view label answers as of @"
expect 0 a.flume get run/1 --stale-ok --json
expect_json err
expect_jq err '.type == "note" and
    (.message | test("view label answers as of @[0-9]+: [0-9,]+ record"))'
expect 0 a.flume get run/1 --stale-ok -q
expect_no_err
expect_same behind "$(get run/1)"
