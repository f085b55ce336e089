# test_dump.sh - flume dump: the fields of grains, checked against the worked example of
# log/FORMAT.md, against what the log says, and on damaged files.
repl=$(cd "$(dirname "$0")/../../repl" && pwd) || exit 1
. "$(dirname "$0")/lib.sh"
format=$repl/../log/FORMAT.md
[ -f "$format" ] || fail "log/FORMAT.md is read: $format"

# field SEQ NAME: its value, from the objects in $work/out.
field() {
    jq -r "select(.seq == $1 and .field == \"$2\").value" out
}

# ---- the worked example: its bytes make a basin, dump gives its bytes back ----

# lines FILE: "offset hh hh ..." of each line that FORMAT.md shows of a file.
lines() {
    awk -v wanted="    $1:" '$0 == wanted { on = 1; next }
        on && !/^    [0-9a-f][0-9a-f][0-9a-f][0-9a-f]  / { on = 0 }
        on { sub(/  \|.*/, ""); print }' "$format"
}
# put FILE OFFSET: standard input there.
put() {
    dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
strata=log/00000000000000000000.strata
mkdir -p f.flume/log f.flume/lost+found f.flume/subs f.flume/txn
awk '/^The settings;/ { on = 1; next } on && /^    / { sub(/^    /, ""); print }
    on && /check/ { exit }' "$format" >f.flume/flume.conf
truncate -s 65536 f.flume/$strata
# Record seqs of 256 kinds, of which the example shows the first: none.
awk 'BEGIN { for (i = 0; i < 2048; i++) printf "\\377" }' >ones
# shellcheck disable=SC2059 # It is made of escapes.
printf "$(cat ones)" | put f.flume/$strata 208
lines "$strata" >shown
[ "$(wc -l <shown)" -ge 30 ] || fail "the example has lines"
while read -r at bytes; do
    case $at in f*) continue ;; esac # Without the footer, as its end is not shown.
    for byte in $bytes; do
        printf '\\%03o' $((0x$byte))
    done >escapes
    # shellcheck disable=SC2059 # Likewise.
    printf "$(cat escapes)" | put f.flume/$strata $((0x$at))
done <shown
expect 0 f.flume log --json
expect_jq out '.seq == 1 and .payload.answer == 42 and .labels == ["greeting"]'

expect 0 f.flume dump 0..3 --json
expect_json out
expect_same 62fa8fc19b32e8c9 "$(field 1 check)" "the check that FORMAT.md works out"
expect_same "13 1 0 14 1, message 0" "$(for name in 'body bytes' ordinal writer 'meta bytes' kind \
    flags; do printf '%s ' "$(field 1 "$name")"; done | sed 's/ $//')" "the header of seq 1"
expect_same "2, json" "$(field 1 codec)" "the codec item"
expect_same greeting "$(field 1 label)" "the label item"
expect_same '{"answer":42}' "$(field 1 body)" "the body"
expect_same "2, witness" "$(field 2 flags)" "seq 2 is a witness"
expect_same @2 "$(field 2 durable)" "what the witness knew"
expect_same hello "$(field 2 body)" "its body"
expect_same "2, manifest" "$(field 0 kind)" "the manifest"
expect_jq out '.seq == 1 and .field == "check" and .at == 4264 and .bytes == 8' # 0x10a8
expect_jq out '.seq == 1 and .field == "label" and .at == 4300 and .bytes == 10'

# Its lines of hexadecimal digits, as they stand there.
expect 0 f.flume dump 0..3 --hex
awk -F '\t' '$4 == "hex" { sub(/^0x/, "", $2); print $2, $5 }' out |
    sed 's/  *|.*//; s/  */ /g; s/ $//' >given
sed 's/^ *//; s/  */ /g; s/ $//' shown | grep '^1[01]' >wanted
expect_same_files wanted given "the bytes of the example's grains"
expect 0 f.flume dump @1 --hex
expect_out_has "02 02 02 00 01 08 67 72  65 65 74 69 6e 67 7b 22  |......greeting{\"|"

# The header page.
expect 0 f.flume dump @0 -v --json
page() {
    jq -r "select(.seq == null and .field == \"$1\").value" out
}
expect_same 4746454443424140 "$(page salt)" "salt"
expect_same 303132333435363738393a3b3c3d3e3f "$(page 'strata id')" "strata id"
expect_same 65536 "$(page 'file bytes')" "file bytes"
expect_same none "$(page 'previous first seq')" "no strata before it"
expect_same ef62a07a64cc9432 "$(page check)" "the check of the page"

# ---- against what the log says, over several strata ----

expect 0 a.flume init --strata 64k
i=0
while [ $i -lt 60 ]; do
    head -c $((i * 100)) /dev/zero | tr '\0' 'a'
    printf '\n'
    i=$((i + 1))
done | "$FLUME" a.flume append --each line -l run/1 -l '日本' -q || fail "append"
expect 0 a.flume append --codec raw --time 2001-02-03T04:05:06Z "$(printf '\033[31mred')"
"$FLUME" a.flume log --json >all || fail "log"
expect 0 a.flume dump --json
expect_json out
[ "$(jq -s 'map(select(.field == "ordinal" and .value == "0")) | length' out)" -gt 2 ] ||
    fail "several strata"
jq -s -c 'map(select(.field == "body")) | map([.seq, .bytes])[]' out >bodies
jq -c '[.seq, .bytes]' all | while read -r row; do
    grep -qxF "$row" bodies || fail "body of $row"
done || exit 1
jq -s -r 'group_by(.seq)[] | select(any(.[]; .value == "1, message")) |
    map(select(.field == "time"))[0] | "\(.seq) \(.value)"' out >times
jq -r '"\(.seq) \(.time)"' all | sort >wanted
sort times >given
expect_same_files wanted given "the times of all messages"
# Fields follow each other without a gap, grain by grain.
expect_same true "$(jq -s 'group_by(.seq) | all(.[]; . as $f | all(range(1; $f | length);
    $f[.].at == $f[. - 1].at + $f[. - 1].bytes))' out)" "no gap"
expect 0 a.flume dump -n 2 --json
expect_same "0 1" "$(echo $(jq .seq out | sort -nu))" "-n 2"
expect 0 a.flume dump run/1~1 --json
expect_same "$(jq -s 'map(select(.labels | index("run/1")))[-2].seq' all)" "$(jq .seq out | sort -u)" \
    "a reference"
expect 0 a.flume dump last
expect_out_has '\x1b[31mred'
LC_ALL=C grep -q "$(printf '\033')" out && fail "control bytes are escaped"
expect_same 5 "$(awk -F '\t' '{ print NF }' out | sort -u)" "cells"

# ---- nothing there, damaged, of another form ----

expect 0 empty.flume init
expect 0 empty.flume dump
expect_no_out
expect 1 empty.flume dump last
expect 2 a.flume dump @x
expect 1 a.flume dump @100000
expect 7 nowhere.flume dump

expect 0 d.flume append --create first second third
file=$(echo d.flume/log/*.strata)
printf XXXX | put "$file" 4268
run d.flume dump --json
expect_code 4
expect_same 4 "$(jq -s 'map(select(.field == "check")) | length' out)" "all grains are shown"
expect_jq out '.field == "check" and (.value | test("does not hold"))'
expect_same 1 "$(jq -s 'map(select(.field == "check" and (.value | test("not")))) | length' out)" one
# A size that leads out of the file.
printf '\377\377\377\177' | put "$file" $((0x10c0 + 20))
run d.flume dump --hex
expect_code 4
# A form that is not known yet.
cp -r a.flume later.flume
printf '\002' | put "later.flume/$strata" 10
run later.flume dump @1
[ "$code" -eq 8 ] || [ "$code" -eq 4 ] || fail "another form: code $code"
expect_no_out
printf 'not a str' | put "d.flume/$strata" 0
run d.flume dump @1
[ "$code" -ne 0 ] || fail "no strata"
[ -s err ] || fail "says why"
