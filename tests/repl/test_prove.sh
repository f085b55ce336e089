# test_prove.sh - flume prove: roots, proofs of records, proofs that an older root is of the same log;
# and checking them without a basin, by flume and by a program that shares nothing with it.
verify=$(cd "$(dirname "$0")" && pwd)/verify_proof.py
. "$(dirname "$0")/lib.sh"

# holds FILE [BODY]: the other program says so too. Without Python it is not asked.
holds() {
    command -v python3 >/dev/null || return 0
    python3 "$verify" "$@" >root.python 2>err.python || fail "by verify_proof.py: $(tail -n 1 err.python)"
}

# Records that fill a few strata; what is full is sealed.
grow() {
    seq 2500 | "$FLUME" a.flume append --each line -l run/1 -l '日本' -q || fail "append"
    expect 0 a.flume seal
}

# ---- nothing is sealed ----

expect 0 a.flume init --strata 64k
expect 1 a.flume prove
expect_err_has "nothing of it is sealed yet; run 'flume seal'"
expect 0 a.flume append first
expect 1 a.flume prove last
expect_err_has "is not sealed yet; run 'flume seal'"
expect 1 a.flume prove --from 1
expect 7 nowhere.flume prove

# ---- the head root ----

grow
expect 0 a.flume prove --json
expect_jq out '.type == "root" and (.root | test("^[0-9a-f]{64}$")) and .end > 1000'
old_root=$(jq -r .root out)
old_end=$(jq -r .end out)
expect 0 a.flume prove
expect_out_has "root	$old_root"
expect 0 a.flume info --json
id=$(jq -r .basin out)
expect 0 a.flume prove --json
expect_same "$id" "$(jq -r .basin out)" "the basin's id"

# ---- a record ----

expect 0 a.flume get @17 -o 17.body
expect 0 a.flume prove @17 -o 17.proof --json
expect_json out
expect_jq out ".type == \"proof\" and .seq == 17 and .root == \"$old_root\" and .end == $old_end"
expect_jq out '.index == 17 and (.path | length) > 5'
cp out shown
expect_same "flume proof 1" "$(head -n 1 17.proof)" "the first line"
expect_same "$(jq -r '.path[]' shown)" "$(sed -n 's/^path //p' 17.proof)" "the path"
expect_same "$(jq -r .hash shown)" "$(sed -n 's/^leaf //p' 17.proof)" "the hash"
expect_same "$(sed -n 's/^body //p' 17.proof)" "$("$FLUME" a.flume get @17 --json | jq -r .hash)" \
    "the body's hash, as get shows it"
holds 17.proof 17.body
[ ! -f root.python ] || expect_same "$old_root" "$(cat root.python)" "the root that it computes"
expect 0 a.flume prove @17 -o -
expect_same_files 17.proof out "-o - and -o FILE"
expect 0 a.flume prove run/1~2000 --json

# Any record of the sealed strata, the manifest too.
for seq in 0 1 255 256 257 $((old_end - 1)); do
    expect 0 a.flume prove @$seq -o - --quiet
    cp out one.proof
    holds one.proof
    expect 0 prove --check one.proof --root "$old_root" --json
    expect_jq out ".type == \"proof_check\" and .seq == $seq and .known_end == $old_end"
done
expect 1 a.flume prove @$old_end
expect_err_has "seq $old_end is not sealed yet"

# ---- checking it, without the basin ----

mv a.flume away
expect 0 prove --check 17.proof
expect_err_has "it holds up to this root"
expect_out_has "labels	run/1,日本"
expect_out_has "kind	message"
expect 0 prove --check 17.proof --root "$old_root" --body 17.body
expect_no_err
expect 0 prove --check - --root "$(echo "$old_root" | tr a-f A-F)" <17.proof
expect 0 prove --check 17.proof --body - <17.body
expect 1 prove --check 17.proof --body 17.proof
expect_err_has "another body"
expect 1 prove --check 17.proof --body /dev/null
expect 1 prove --check 17.proof --root "$(echo "$old_root" | tr 0-9a-f 1-9a-f0)"
expect_err_has "does not lead to this root"
expect 1 prove --check 17.proof --root "$old_root" --root "$(echo "$old_root" | tr 0-9a-f 1-9a-f0)"
expect 1 prove --check 17.proof --root "$(echo "$old_root" | tr 0-9a-f 1-9a-f0)" --json
expect_jq err '.type == "error" and .name == "not_proved" and .code == 1'

# What was changed is refused, with the line.
sed 's/^seq 17$/seq 18/' 17.proof >changed
expect 2 prove --check changed
expect_err_has "changed: line "
expect_err_has "the check does not fit"
head -n 8 17.proof >changed
expect 2 prove --check changed
expect_err_has "line 9"
(cat 17.proof && echo) >changed
expect 2 prove --check changed
expect_err_has "nothing is to stand behind the check"
for garbage in '' 'flume proof' 'flume proof 1' "$(printf '\033[31m')" 'PK'; do
    printf '%s' "$garbage" >changed
    expect 2 prove --check changed
    LC_ALL=C grep -q "$(printf '\033')" err && fail "control bytes are escaped"
done
sed 's/^flume proof 1/flume proof 2/' 17.proof >changed
expect 8 prove --check changed
expect 6 prove --check nowhere
expect 6 prove --check .

# With a check that fits, where there is a tool to make it: then it is the proof that fails.
if command -v xxhsum >/dev/null && xxhsum -H3 /dev/null >/dev/null 2>&1; then
    sed 's/^seq 17$/seq 18/;/^check/d' 17.proof >changed
    check=$(xxhsum -H3 changed | grep -oE '[0-9a-f]{16}' | head -n 1)
    echo "check $check" >>changed
    expect 1 prove --check changed
    expect_err_has "its record is not the one of seq 18"
fi
mv away a.flume

# ---- the log grows: the old root is of the same log ----

grow
expect 0 a.flume prove --json
new_root=$(jq -r .root out)
[ "$new_root" != "$old_root" ] || fail "the root moves"
expect 0 a.flume prove --from "$old_root" -o grown.proof --json
expect_jq out ".type == \"consistency\" and .old_end == $old_end and .root == \"$new_root\""
holds grown.proof
for from in "$old_end" "@$old_end" "$(echo "$old_root" | tr a-f A-F)"; do
    expect 0 a.flume prove --from "$from" -o -
    expect_same_files grown.proof out "--from $from"
done
expect 0 prove --check grown.proof --root "$old_root" --root "$new_root" --json
expect_jq out ".type == \"consistency_check\" and .old_root == \"$old_root\" and .root == \"$new_root\""
expect 0 prove --check grown.proof
expect 2 prove --check grown.proof --body 17.body
expect_err_has "two roots"
# The proof of before holds as before, and its root is one that the younger proof passes.
expect 0 prove --check 17.proof --root "$old_root"
expect 1 prove --check 17.proof --root "$new_root"
expect 0 a.flume prove @17 -o 17.proof
expect 0 prove --check 17.proof --root "$old_root"
expect 0 prove --check 17.proof --root "$new_root"
holds 17.proof 17.body
expect 1 a.flume prove --from "$(echo "$old_root" | tr 0-9a-f 1-9a-f0)"
expect_err_has "has had no head root like this one"
expect 1 a.flume prove --from $((old_end - 1))
expect_err_has "and ends at $old_end"

# ---- every mode ----

for mode in table plain json ndjson csv tsv raw hex line md; do
    for words in "a.flume prove" "a.flume prove @5" "a.flume prove --from $old_end" \
        "prove --check 17.proof" "prove --check grown.proof"; do
        # shellcheck disable=SC2086 # These are words.
        expect 0 $words --mode $mode -q
        expect_no_err
        [ -s out ] || fail "$words --mode $mode writes nothing"
        case $mode in
        json) jq -e 'length == 1' out >/dev/null || fail "$words as json" ;;
        ndjson) expect_json out ;;
        esac
    done
done

# ---- damage is told, and no proof is written ----

cp -R a.flume d.flume
file=$(echo d.flume/log/*.strata | cut -d ' ' -f 1)
printf 'xxxx' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 2000)) conv=notrunc 2>/dev/null
rm -f damaged.proof
expect 4 d.flume prove @17 -o damaged.proof
expect_err_has "footer page is damaged"
[ ! -e damaged.proof ] || fail "a proof of what is damaged"
expect 0 d.flume prove --from "$old_end" # It does not lead through there.

# ---- what does not go together ----

expect 2 a.flume prove --check 17.proof
expect_err_has "a proof is checked by itself"
expect 2 prove @17 --check 17.proof
expect 2 prove --check 17.proof -o x
expect 2 a.flume prove --root "$old_root"
expect_err_has "there is no proof to compare it with"
expect 2 a.flume prove --body 17.body
expect 2 a.flume prove @17 --from "$old_end"
expect 2 a.flume prove -o x
expect_err_has "there is no proof to write"
[ ! -e x ] || fail "nothing is written"
expect 2 prove --check 17.proof --root 12
expect_err_has "this is not a root"
expect 2 a.flume prove --from nonsense
expect_err_has "neither a root nor the end of one"
expect 6 a.flume prove @17 -o nowhere/17.proof
expect 2 a.flume prove @x
expect 1 a.flume prove @999999

# ---- in the shell ----

expect 0 a.flume -c 'prove @5 -o shell.proof' -c 'prove --check shell.proof' -c prove
grep -c "$new_root" out >count
[ "$(cat count)" -ge 3 ] || fail "the root is shown by each: $(cat count)"
holds shell.proof
