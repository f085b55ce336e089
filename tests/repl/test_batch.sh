# batch: batches of scopes are listed by tag and time, one is shown by the beginning of its id, in every
# form of output; what fits none or several is refused.
. "$(dirname "$0")/lib.sh"

# Scopes as a program has recorded them: the label of its batch stands behind a scope's own.
"$FLUME" made.flume init >/dev/null
for n in 1 1 2 3; do
    "$FLUME" made.flume scope add -l sweep "n=$n" >/dev/null
done
expect 0 made.flume export
grep '"type":"record"' out >records
one=sweep-20250527-230839974-0d748c34
two=sweep-20250527-230839975-00000000
other=sweep-x-20250101-000000000-ffffffff
i=0
for id in $one $one $two $other; do
    i=$((i + 1))
    sed -n "${i}p" records | jq -c ".labels += [\"@batch/$id\"]" >>import
done
expect 0 a.flume init
expect 0 a.flume import import
FLUME_DB=a.flume
export FLUME_DB

ids() {
    expect 0 batch list "$@" --json
    rows=$(jq -r .id out | xargs)
}

# ---- list ----

ids
expect_same "$one $two $other" "$rows"
ids --tag sweep
expect_same "$one $two" "$rows" "a tag is not the beginning of another"
ids --tag sweep-x
expect_same "$other" "$rows"
ids -n 1
expect_same "$one" "$rows"
expect 0 batch list --json
expect_same "2 2025-05-27T23:08:39.974000000Z" \
    "$(jq -r 'select(.id == "'$one'") | "\(.records) \(.time)"' out)"
expect_same "$(jq -r '.first, .last' out | sort -n | xargs)" "$(jq -r '.first, .last' out | xargs)"
expect 1 batch list --tag swee
expect_no_out
expect 0 batch list
expect_out_lines 3
expect 0 batch list --mode csv
expect_out_has "$two,1,"

# ---- show ----

show() {
    expect 0 batch show "$@" --json
    rows=$(jq -r '"\(.verdict):\(.variables.n):\(.count)"' out | xargs)
}
show $one
expect_same "new:1:1 dup:1:1" "$rows"
expect_same 2 "$(grep -cF '"labels":["sweep"]' out)" "no label of a batch"
show $one --reverse
expect_same "dup:1:1 new:1:1" "$rows"
show $one -n 1
expect_same "new:1:1" "$rows"
show sweep-x
expect_same "new:3:1" "$rows"
show "${two%00000000}"
expect_same "new:2:1" "$rows"

expect 10 batch show sweep-2025
expect_err_has "$one"
expect_err_has "$two"
expect 1 batch show swept
expect_err_has "no batch's id begins with swept"
expect 2 batch show
expect 2 batch show a b
expect 2 batch lists

# ---- besides ----

expect 0 label list @batch/ --json
expect_same 3 "$(wc -l <out)"
expect 0 explain batch show $one
expect_out_has label
expect 0 __complete line -- "batch show sweep-20250527-230839974"
expect_out_has "$one"
expect 0 __complete line -- "batch list --tag sw"
expect_same "2" "$(grep -c '^sweep' out)" "each tag once"
expect 0 empty.flume init
expect 0 empty.flume batch list
expect_no_out
expect 1 empty.flume batch show $one
