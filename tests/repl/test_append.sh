# What append takes, what it prints, and when.
. "$(dirname "$0")/lib.sh"

bodies() {
    "$FLUME" a.flume log --mode raw "$@"
}

# A basin is made only when asked.
expect 7 a.flume append x
[ ! -e a.flume ] || fail "a.flume was made unasked"
expect 0 a.flume init
expect 1 a.flume init
expect_err_has "is a basin already"
expect 0 b.flume append --create x
expect 1 init b.flume
mkdir not.flume && touch not.flume/file
expect 7 not.flume append x

# Text operands, one record each, in order.
expect 0 a.flume append one two "three four"
expect_out_lines 3
expect_same "one two three four" "$(bodies | tr '\n' ' ' | sed 's/ $//')"
expect 0 a.flume append ""
expect_same 0 "$("$FLUME" a.flume get last | wc -c)" "an empty record"

# Standard input as a whole, also with bytes of any kind.
head -c 100000 /dev/urandom >random
expect 0 a.flume append - <random
"$FLUME" a.flume get last >back
expect_same_files random back
expect 0 a.flume append - </dev/null
expect_same "" "$("$FLUME" a.flume get last)"
expect 6 a.flume append --file random --file missing
printf 'a file' >file
expect 0 a.flume append before --file file after
expect_same "before a file after" "$("$FLUME" a.flume get last~2 last~1 last -D ' ' | sed 's/ $//')"

# Streams: lines, NUL-ended pieces, JSON values.
expect 0 l.flume init
printf 'one\n\nthree' | expect 0 l.flume append --each line
"$FLUME" l.flume log --mode raw -D '|' >out
expect_same "one||three|" "$(cat out)" "lines"
expect 0 n.flume init
printf 'a\nb\000c\000' | expect 0 n.flume append --each nul
"$FLUME" n.flume log --mode raw -D '|' >out
expect_same "a
b|c|" "$(cat out)" "NUL-ended pieces"
expect 0 j.flume init
printf '{"a": [1, 2,\n 3]}{"b":"}\\""} 12 true\n[]\n"x" -1.5e3 null' |
    expect 0 j.flume append --each json
"$FLUME" j.flume log --mode raw -D '|' >out
printf '{"a": [1, 2,\n 3]}|{"b":"}\\""}|12|true|[]|"x"|-1.5e3|null|' >wanted
expect_same_files wanted out "JSON values, byte for byte"
expect 0 j.flume log --json
expect_json out
expect_jq out '.enc == "json" and .payload == {"a": [1, 2, 3]}'
expect_same json "$(jq -r .codec out | sort -u)" codec

# What is not JSON is named with its place; what came before stays.
printf '{"a":1}\n{"b":2}\n{"c":,}\n{"d":4}\n' >bad.json
expect 3 j.flume append --each json --json <bad.json
expect_out_lines 2
expect_json err
expect_err_has "standard input:3: value 3 is not JSON"
for bad in '{' '[1' '"x' 'tru' '01' '1.' '{"a"}' '[1,]' ']' '"\x"' '-' '{"a":1,}' '1,2' "$(printf '"\377"')"; do
    printf '%s' "$bad" | expect 2 j.flume append --each json
done
awk 'BEGIN { for (i = 0; i < 600; i++) printf "["; for (i = 0; i < 600; i++) printf "]" }' |
    expect 2 j.flume append --each json

# A record of more than 16 MiB is refused, one of exactly 16 MiB is not.
expect 0 big.flume init
head -c 16777216 /dev/zero | tr '\0' x | expect 0 big.flume append --each line
expect_same 16777216 "$("$FLUME" big.flume get last | wc -c)"
{
    echo small
    head -c 16777217 /dev/zero | tr '\0' x
    echo
    echo after
} | expect 3 big.flume append --each line
expect_err_has "too large"
expect_same small "$("$FLUME" big.flume get last)"
head -c 20000000 /dev/zero | expect 2 big.flume append -
head -c 20000000 /dev/zero | tr '\0' '[' | expect 2 big.flume append --each json

# Labels, kind, codec, time.
expect 0 a.flume append -l run/1 -l "zwei, drei" --kind 70 --codec 17 \
    --time 2026-11-20T09:00:00.123456789+01:00 body
expect 0 a.flume get last --json
expect_json out
expect_jq out '.labels == ["run/1", "zwei, drei"] and .kind == 70 and .codec == 17'
expect_jq out '.time == "2026-11-20T08:00:00.123456789Z"'
expect 0 a.flume append text
expect 0 a.flume get last --json
expect_jq out '.codec == "text" and .kind == "message" and .enc == "utf8"'
printf '\377\376' | expect 0 a.flume append -
expect 0 a.flume get last --json
expect_jq out '.codec == "raw" and .enc == "b64" and .payload == "//4="'
expect 2 a.flume append --codec json '{'
expect 0 a.flume append --codec json '{"a":1}'
printf '\377' | expect 2 a.flume append --codec text -

# --json prints a line for each record, with its seq.
seq 1000 | expect 0 a.flume append --each line --json
expect_out_lines 1000
expect_json out
expect_jq out '.type == "appended" and .bytes == 4'
last=$(tail -n 1 out | jq .seq)
expect_same 1000 "$("$FLUME" a.flume get "@$last")" "the seq printed is the seq read"

# A seq is printed before more input is waited for.
mkfifo fifo
"$FLUME" a.flume append --each line --json <fifo >live 2>err &
child=$!
will_end $child
exec 3>fifo
echo first >&3
wait_until 10 has_lines live 1
echo second >&3
wait_until 10 has_lines live 2
exec 3>&-
wait $child || fail "append from a fifo"

# What was printed is there, also when the writer is killed.
yes line | head -n 5000000 | "$FLUME" a.flume append --each line --json >reported 2>err &
wait_until 10 has_lines reported 1000
# The process at the end of the pipeline.
kill -KILL $! 2>/dev/null
wait $! 2>/dev/null
last=$(grep '}$' reported | tail -n 1 | jq .seq)
expect 0 a.flume get "@$last" --json
expect_jq out ".seq == $last and .payload == \"line\""
expect 0 a.flume append "after the kill"

# Profiles.
for profile in --paranoid --safe --casual --forgetful; do
    expect 0 a.flume append $profile "under $profile"
    printf 'x\ny\n' | expect 0 a.flume append $profile --each line
done
expect 0 a.flume append --safe --json durable
expect_jq out '.type == "appended"'
expect 0 a.flume info --json
expect_jq out '.durable == .head'

# Only if R is still the last record.
seq_of_last() {
    "$FLUME" a.flume get last --json | jq .seq
}
expect 0 a.flume append base
base=$(seq_of_last)
expect 0 a.flume append --after "@$base" next
expect 0 a.flume append --after last again more
expect_out_lines 2
expect 1 a.flume append --after "@$base" stale
expect_err_has "not the last record any more"
expect 1 a.flume append --after "@$base" stale --json
expect_json err
expect_jq err '.name == "conflict" and .code == 1'
expect_same more "$("$FLUME" a.flume get last)"
expect 1 a.flume append --after @99999999 x

# Rows: seq, bytes, labels; nothing under -q.
expect 0 a.flume append -l a -l b "four"
grep -qE "^@[0-9]+	4	a,b\$" out || fail "a row of append"
expect 0 a.flume append -q silent
expect_no_out
expect_no_err
