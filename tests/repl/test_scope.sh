# scope, tape, dup, super and sub: what is committed gets its verdict, exactly by value and type; it is listed,
# found, compared and explained, in every form of output; and what is set wrongly is refused.
. "$(dirname "$0")/lib.sh"

FLUME_DB=a.flume
export FLUME_DB
field() {
    jq -r ".$1" out
}

# add WANTED WORD...: the verdict on a scope, as "verdict seq keys".
add() {
    wanted=$1
    shift
    expect 0 scope add "$@" --json
    expect_same "$wanted" "$(jq -r '"\(.verdict) \(.seq) \(.keys | join(","))"' out)" "scope add $*"
}

# seqs WORD...: of the rows that are written, with blanks between.
seqs() {
    expect 0 "$@" --json
    rows=$(jq -r .seq out | xargs)
}

expect 0 init
expect 0 scope list
expect_no_out
expect 1 dup
expect 1 scope find n=1

# ---- verdicts ----

add "new null " -l sweep n=100 eps=0.1
first=$(field record)
id=$(field id)
expect_same 73 ${#id} "length of an id"
add "dup $first " -l sweep eps=0.1 n=100
expect_same "null $id" "$(field record) $(field id)" "a link waits for no row"
add "dup $first " -l sweep '{"eps":0.1,"n":100}'
printf '{"n": 100,\n "eps": 0.1}\n' >object
lib_command="scope add - <object"
"$FLUME" scope add -l sweep - --json <object >out 2>err || fail "standard input"
expect_same "dup $first" "$(field verdict) $(field seq)"
add "subset $first eps" -l sweep n=100
subset=$(field record)
add "superset $first @label/fine,solver" -l sweep -l fine n=100 eps=0.1 solver=cg
superset=$(field record)
add "superset $subset @label/other" n=100 -l sweep -l sweep -l other
# A type is part of a value, and a word that is no number is a text.
add "new null " n=1
one=$(field record)
add "dup $one " n=1
for value in 1.0 '"1"' true null 2026-11-20 -0.0 0.0 - one; do
    add "new null " "n=$value"
done
add "superset $one @label/x" -l x n=1
# What a value is nested in is part of the key.
add "new null " 'p={"a":[1,{}]}' path/q=2
nested=$(field record)
add "dup $nested " '{"p":{"a":[1,{}]},"path":{"q":2}}'
expect 0 scope add -l sweep n=100 -q
expect_no_out

# ---- list, show ----

expect 0 scope list --json -l fine
expect_json out
expect_jq out ".seq == $superset and .verdict == \"superset\" and .of == $first and
    .labels == [\"fine\",\"sweep\"] and .variables == {n:100, eps:0.1, solver:\"cg\"} and .count == 1"
expect_out_lines 1
seqs scope list -n 2
expect_same "$first" "${rows%% *}" "the oldest first"
seqs scope list -n 1 --reverse
newest=$rows
expect 0 scope show "@$newest" --json
expect_jq out '.verdict == "dup" and .of != null'
expect 0 scope show "@$first" --json
expect_jq out ".count == 4 and .first == $first and .id == \"$id\" and .local_id == \"$id\" and
    .extends == null and .enclosing == null and .labels == [\"sweep\"]"
expect_jq out '.variables == [
    {key:"eps", type:"f64", class:"inline", local:true, value:0.1},
    {key:"n", type:"int", class:"inline", local:true, value:100}]'
expect 0 scope show "$id" --json
expect_same "$first" "$(field seq)" "by its id"
expect 1 super "blake3-1:$(printf '%064d' 7)"
expect_err_has 'no scope has this id'
expect 0 scope show "@$nested" --mode table
expect_out_has 'p/a/0 = 1  (int)'
expect_out_has 'p/a/1 = {}  (empty map)'
expect_out_has 'path/q = 2  (int)'
for mode in plain csv tsv line md raw hex table; do
    expect 0 scope list --mode $mode
    [ -s out ] || fail "nothing in mode $mode"
done

# ---- find, super, sub, diff ----

seqs scope find n=100
expect_same "$superset $subset $first" "$(echo "$rows" | tr ' ' '\n' | grep -v "$((superset + 2))" |
    xargs)" "scopes with n=100, newest first"
seqs scope find n=100 eps=0.1
expect_same "$superset $first" "$rows"
seqs scope find n=100 eps=0.1 -l fine
expect_same "$superset" "$rows"
expect 0 scope find n=100 -n 1 --mode plain
expect_out_lines 1
expect 1 scope find n=100.0
expect_no_out
expect 0 scope find n=100.0 --no-fail-empty
seqs super "@$first"
expect_same "$superset" "$rows" "what has all of the first"
seqs sub "@$superset"
expect_same "$subset $first" "$rows" "what lies within"
expect 1 sub "@$subset"
expect 0 scope diff "@$first" "@$superset" --json
expect_same "@label/fine right null null
solver right null cg" "$(jq -r '"\(.key) \(.state) \(.value) \(.other)"' out)"
expect 0 scope diff "@$one" "@$first" --json
expect_jq out '.key == "n" and .state == "differs" and .value == 1 and .other == 100'
expect 0 scope diff "@$first" "@$first"
expect_no_out
expect_err_has 'are the same scope'

# ---- explain ----

expect 0 scope explain -l sweep n=100 eps=0.2 --json
expect_same "$first eps differs 0.2 0.1" \
    "$(jq -r '"\(.seq) \(.key) \(.state) \(.value) \(.other)"' out)"
expect 0 scope explain -l sweep -l fine n=100 eps=0.1 solver=cg theta=2 --json
expect_same "$superset theta new 2 null" \
    "$(jq -r '"\(.seq) \(.key) \(.state) \(.value) \(.other)"' out)"
expect 0 scope explain -l sweep n=100 eps=0.1
expect_no_out
expect_err_has "it is not new: @$first, committed 4 times"
expect 0 scope explain never=1
expect_no_out
expect_err_has 'it is new: none'

# ---- dup, tape ----

expect 0 dup --json
expect_jq out ".seq == $first and .count == 4"
expect_jq out ".seq == $one and .count == 2"
expect_jq out "all(.count > 1; .)"
expect 0 dup "@$first" --json
expect_same 4 "$(wc -l <out)" "commits of the first"
expect_same "new dup dup dup" "$(jq -r .verdict out | xargs)"
expect 0 dup "@$first" -n 1 --reverse --json
expect_same dup "$(field verdict)"
seqs tape "@$first..@$superset"
expect_same 5 "$(echo "$rows" | wc -w)" "commits before the superset"
expect 0 tape --json
jq -r .seq out >forward
expect 0 tape --reverse --json
jq -r .seq out | tac >back
expect_same_files forward back "both ways"
expect 0 tape --tree --mode plain
expect_out_has "superset	@$first"

# ---- refused ----

head=$(expect 0 info --json; field head)
refused() {
    expected=$1
    shift
    expect 2 scope add "$@"
    expect_no_out
    expect_err_has "$expected"
}
refused 'this is not KEY=VALUE' nothing
refused 'this is not KEY=VALUE' =1
refused 'this is not KEY=VALUE' 'a="x","w":2'
refused "the key 'n' is set twice" n=1 n=2
refused "the key 'n' is set twice" '{"n":1}' n=1
refused 'no JSON' 'a={bad'
refused 'no JSON' '{"a":'
refused 'does not fit 64 bits' n=99999999999999999999
refused "begins with '@'" @a=1
refused 'scope add' # Nothing is set.
lib_command="scope add - -"
"$FLUME" scope add - - <object >out 2>err && fail "standard input twice"
expect_err_has 'standard input can be put once'
"$FLUME" scope add - </dev/null >out 2>err && fail "empty input"
expect_err_has 'the text is no JSON'
head -c 16777217 /dev/zero | tr '\0' ' ' | "$FLUME" scope add - >out 2>err && fail "large input"
expect_err_has 'standard input is larger than any scope'
printf 'n=\377' >bad
refused 'UTF-8' "$(cat bad)"
expect 0 append 'no scope'
expect 0 get last --json
other=$(field seq)
for words in 'scope show' super sub dup; do
    expect 1 $words "@$other"
    expect_err_has "@$other is not a scope"
done
expect 1 scope diff "@$first" "@$other" --json
expect_jq err '.type == "error" and .name == "not_found"'
# Nothing of that left anything in the log but the record.
expect 0 scope list --json
expect_same "$newest" "$(jq -s -r 'last.seq' out)" "the newest scope"

# ---- control bytes ----

expect 0 scope add 'k={"a\u001b[31m":"x\u001b[1m\n"}' -l esc
for words in 'scope list' 'tape' 'scope show esc' 'scope find -l esc n=1'; do
    run $words --mode table
    ! grep -q "$(printf '\033')" out || fail "an escape byte of data is shown: $words"
done

# ---- in the shell, and in a basin that is not there ----

printf 'scope add -l sh n=5\nscope show _\ndup\n' >lines
lib_command="lines"
"$FLUME" --script lines >out 2>err || fail "a script"
expect_out_has "n = 5  (int)"
expect 0 new.flume scope add --create n=1 --json
expect_jq out '.verdict == "new"'
expect 7 gone.flume scope list
