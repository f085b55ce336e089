# scope add --delta: a scope that extends an earlier one is stored as what it adds, and is asked for as if
# it were whole; what it is added to being damaged, that is said, and what was added is shown.
. "$(dirname "$0")/lib.sh"

FLUME_DB=a.flume
export FLUME_DB
field() {
    jq -r ".$1" out
}

# all FILTER: what all objects of out are, as an array.
all() {
    jq -c -s "$1" out
}

expect 0 init
expect 0 scope add -l sweep n=100 eps=0.1 solver=longwordthatisfoundagain --json
base=$(field record)
expect 0 scope add --delta -l sweep n=100 eps=0.1 solver=longwordthatisfoundagain z=7 --json
expect_jq out ".verdict == \"superset\" and .seq == $base and .keys == [\"z\"]"
delta=$(field record)
expect 0 scope add --delta -l sweep n=100 eps=0.1 solver=longwordthatisfoundagain z=7 y=8 --json
expect_jq out ".verdict == \"superset\" and .seq == $delta and .keys == [\"y\"]"
second=$(field record)
expect 0 scope add --delta -l other m=1 --json
other=$(field record)

# ---- as if it were whole ----

whole='{n:100, eps:0.1, solver:"longwordthatisfoundagain", z:7}'
expect 0 scope show "@$delta" --json
expect_jq out ".base == $base and .extends == $base and .verdict == \"superset\" and .of == $base and
    (.variables | map({key, value}) | from_entries) == $whole and .labels == [\"sweep\"]"
expect 0 scope show "@$base" --json
expect_jq out '.base == null'
expect 0 scope show "@$second" --json
expect_jq out ".base == $base and .extends == $delta"
expect 0 scope add -l sweep n=100 eps=0.1 solver=longwordthatisfoundagain z=7 --json
expect_jq out ".verdict == \"dup\" and .seq == $delta"
expect 0 scope find eps=0.1 z=7 --json
expect_same "$second $delta" "$(jq -r .seq out | xargs)" "those with pairs of both records"
expect 0 scope diff "@$base" "@$second" --json
expect_same "y,z" "$(jq -r .key out | xargs | tr ' ' ',')" "what both deltas add"
expect 0 scope explain -l sweep n=100 eps=0.1 solver=longwordthatisfoundagain z=9 --json
expect_same "z differs 9 7" "$(jq -r '"\(.key) \(.state) \(.value) \(.other)"' out)" "the nearest one"
expect 0 tape --json
expect_same true "$(all "map(select(.seq == $delta))[0].variables == $whole")" "the variables on the tape"
expect 0 super "@$base" --json
expect_same "$second $delta" "$(jq -r .seq out | xargs)" "the supersets"
expect 0 graph --json
expect_same '[0,0,1,1]' "$(all 'map(.covers | length)')" "how many each covers"
expect 0 view verify scope superset -q

# ---- what it is added to is damaged ----

file=$(ls a.flume/log/*.strata | head -n 1)
offset=$(LC_ALL=C grep -obUa longwordthatisfoundagain "$file" | cut -d : -f 1)
expect_same 1 "$(printf '%s\n' "$offset" | wc -l | tr -d ' ')" "times that the log has the word"
printf 'LONG' | dd of="$file" bs=1 seek="$offset" conv=notrunc 2>/dev/null

expect 4 scope show "@$delta"
expect_err_has "the scope at $delta is stored as how it differs from the scope at $base, which cannot be read"
expect_err_has "that it adds to @$base"
expect_out_has 'z = 7'
! grep -q eps out || fail "what is lost is shown"
expect 4 scope show "@$delta" --json
expect_jq out ".base == $base and .local_id == null and (.variables | map(.key)) == [\"z\"]"
# others: all that is asked for is told but for what cannot be.
others() {
    for form in "scope list" tape "scope find m=1"; do
        # Words of $form are words of the command.
        # shellcheck disable=SC2086
        expect 4 $form --json
        expect_jq out ".seq == $other and .variables == {m:1}"
        expect_err_has "from the scope at $base"
    done
    expect 0 graph
    expect_err_has "passed over"
}
others

# ---- and lost: repaired ----

expect 0 repair --yes -q
others
expect 4 scope show "@$second" --json
expect_jq out ".base == $base and (.variables | map(.key)) == [\"y\",\"z\"]"
