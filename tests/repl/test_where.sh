# get --path, log --where, tail --exec: looking into JSON bodies, and a command for each record.
. "$(dirname "$0")/lib.sh"

expect 0 a.flume append --create -q \
    '{"a":{"b":[1,2,{"c":"x\u001b[31m\nq"}]},"temp":20.50,"big":12345678901234567890,"s":"5"}' \
    '{"temp":3,"t":true,"n":null,"odd name":"two words","a":{"b":[]},"a":{"b":[9]}}' \
    'not JSON' ' [1, 2,
 {"c": 3}] ' '{"temp":-7e1,"s":"abc","esc\"aped":1}'

# ---- get --path ----

# A value as it is written, whatever a double would make of it.
path() {
    expect "$1" a.flume get "$2" --path "$3"
}
path 0 @1 .temp
expect_out "20.50
"
path 0 @1 .big
expect_out "12345678901234567890
"
path 0 @1 .a.b[]
expect_out '1
2
{"c":"x\u001b[31m\nq"}
'
path 0 @1 '.a.b[2].c'
expect_out '"x\u001b[31m\nq"
'
path 0 @2 '."odd name"'
expect_out '"two words"
'
path 0 @5 '."esc\"aped"'
expect_out "1
"
# Of two of a name the last one counts, as in a view.
path 0 @2 .a.b
expect_out "[9]
"
# On one line, whatever white space the body has.
path 0 @4 .
expect_out '[1, 2,  {"c": 3}]
'
path 0 @4 '.[2].c'
expect_out "3
"
path 0 @4 '[0]'
# Raw: strings without their quotes.
expect 0 a.flume get @1 --path .a.b[2].c --mode raw
printf 'x\033[31m\nq\n' >wanted
expect_same_files wanted out
expect 0 a.flume get @2 --path '."odd name"' -o value
printf '"two words"\n' >wanted
expect_same_files wanted value
# JSON, and several records; one without the value is reported.
expect 3 a.flume get @1 @2 @3 --path .temp --json
expect_json out
expect_json err
expect_jq out '.type == "value" and .seq == 2 and .path == ".temp" and .value == 3'
expect_jq err '.code == 1 and .name == "not_json"'
expect 1 a.flume get @3 --path .temp
expect_err_has "the body of @3 is not JSON"
path 1 @1 .a.c
expect_err_has "there is no value at .a.c in @1"
path 1 @1 .a.b[7]
path 1 @1 .temp.x
path 2 @1 .a..b
expect_err_has "a name is missing here"
path 2 @1 '.a[x]'
path 2 @1 '.a b'
path 2 @1 '."a'
path 2 @1 ''
path 2 @1 ".$(head -c 400 /dev/zero | tr '\0' a)"
# Every path agrees with jq.
i=0
for expression in .temp .a .a.b .a.b[1] .s .a.b[2] .a.b[2].c; do
    expect 0 a.flume get @1 --path "$expression"
    expect_same "$("$FLUME" a.flume get @1 | jq -c "$expression")" "$(jq -c . out)" "$expression"
done

# ---- log --where ----

# where CONDITION SEQS: these records have it.
where() {
    run a.flume log --where "$1" --json
    [ "$code" -eq "$([ -n "$2" ] && echo 0 || echo 1)" ] || fail "--where $1 -> $code"
    expect_same "$2" "$(jq -s -r 'map(.seq) | join(" ")' out)" "--where $1"
}
where temp=20.5 1
where .temp==20.50 1
where 'temp>-70' "1 2"
where 'temp>=-70' "1 2 5"
where 'temp<3' 5
where 'temp<=3' "2 5"
where temp!=3 "1 5"
where temp "1 2 5"
where temp=x ""
where big=12345678901234567890 1
where big=12345678901234567891 ""
where s=5 1
where 's="5"' 1
where 'temp="3"' ""
where 's>a' 5
where 's~^a.c$' 5
where t=true 2
where n=null 2
where t=false ""
where '."odd name"=two words' 2
where 'a.b[]=9' 2
where 'a.b[]>1' "1 2"
where '.[]=2' 4
where 'a.b[2].c~q' 1
where missing!=1 ""
expect 0 a.flume log --where temp --where s=5 --json
expect_same 1 "$(jq .seq out)" "both conditions"
expect 0 a.flume tail --where 'temp<3' --json
expect_same 5 "$(jq .seq out)" "tail"
expect 2 a.flume log --where 'temp^3'
expect_err_has "a comparison is missing here"
expect 2 a.flume log --where 'temp~('
expect 2 a.flume log --where ''
expect 2 a.flume log --where '.a[=1'
expect 0 a.flume explain log --where temp
expect_out_has "every record is looked at"
# As many as jq finds.
seq 2000 | awk '{ printf "{\"n\":%d,\"x\":{\"y\":%.3f}}\n", $1, ($1 * 7919 % 1000) / 7 }' >bodies
expect 0 b.flume append --create --each json -q <bodies
for limit in 0 10.5 71.428 142.857 200; do
    run b.flume log --where "x.y>=$limit" --mode raw
    jq -c "select(.x.y >= $limit)" bodies | jq .n >wanted
    jq .n out >found
    expect_same_files wanted found "x.y>=$limit"
done

# ---- tail --exec ----

expect 0 a.flume tail -n 2 --exec 'echo "$FLUME_SEQ $FLUME_KIND $(wc -c) $FLUME_LABELS"'
expect_out "4 message 19 
5 message 37 
"
expect 0 a.flume append -l run/1 -l b --time 2026-01-02T03:04:05Z labelled
expect 0 a.flume tail -n 1 --exec 'echo "$FLUME_LABELS $FLUME_TIME"; cat'
expect_out "run/1,b 2026-01-02T03:04:05.000000000Z
labelled"
# A command that reads nothing of a large body harms nobody.
head -c 1000000 /dev/zero >large
expect 0 a.flume append --file large --codec raw
expect 0 a.flume tail -n 1 --exec true
expect 0 a.flume tail -n 1 --exec 'cat >copy'
expect_same_files large copy
# One that fails ends it, and its record comes again.
rm -f pos
expect 3 a.flume tail --cursor-file pos --exec 'test "$FLUME_SEQ" -ne 4'
expect_err_has "@4: the command ended with code 1"
expect 0 a.flume tail --cursor-file pos --exec 'echo "$FLUME_SEQ"'
expect_same "4 5" "$(head -n 2 out | tr '\n' ' ' | sed 's/ $//')" "it goes on at the record that failed"
expect 3 a.flume tail -n 1 --exec 'kill -9 $$' --json
expect_json err
expect_jq err '.name == "exec" and .code == 3'
# Following, until Ctrl-C, which the command gets too.
"$FLUME" a.flume tail -f -n 0 --exec 'cat; echo' >out 2>err &
process=$!
will_end $process
attached() {
    [ "$("$FLUME" a.flume stat --json | jq '.attached | length')" -ge 2 ]
}
wait_until 10 attached
heard() {
    "$FLUME" a.flume append -q 'hello there' >/dev/null && grep -q 'hello there' out
}
wait_until 10 heard
kill -INT $process
wait $process
expect_same 130 $? "exit code of tail --exec"
"$FLUME" a.flume tail -n 1 --exec 'echo $$ >started; exec sleep 100' >out 2>err &
process=$!
will_end $process
wait_until 10 test -s started
kill -INT $process
wait $process
expect_same 130 $? "exit code while a command runs"
! kill -0 "$(cat started)" 2>/dev/null || fail "the command goes on"
