# scope show and tape: which batch a scope is of, and what tares have left out of it.
. "$(dirname "$0")/lib.sh"

FLUME_DB=a.flume
export FLUME_DB
batch=sweep-20261122-041500000-0d748c34
tare=69ae125c8107beb22044e810544f5dcf0c90a46cbd854571e187895a21c3af98

expect 0 init
expect 0 scope add -l sweep n=2
batched_scope >lines
tares_line >>lines
tared_scope >>lines
expect 0 import lines
expect 0 tape --json
seqs=$(jq -r .seq out | xargs)
expect_same "null $batch null" "$(jq -r .batch out | xargs)"
expect_same "null null $tare" "$(jq -r .tare out | xargs)"
expect_same 3 "$(jq -c 'select(.labels == ["sweep"])' out | wc -l)" "no label of a batch"
set -- $seqs

# ---- show ----

expect 0 scope show "@$1"
[ "$(grep -cE '^(batch|tare)' out)" = 0 ] || fail "there is neither batch nor tare"
expect 0 scope show "@$1" --json
expect_same "null null" "$(jq -r '"\(.batch) \(.tare)"' out)"
expect 0 scope show "@$2" --mode plain
expect_out_has "batch	$batch"
expect 0 scope show "@$2" --json
expect_same "$batch null" "$(jq -r '"\(.batch) \(.tare)"' out)"

expect 0 scope show "@$3" --mode table
expect_same "tare $tare tare leaves out, by keys: g, h" "$(grep '^tare' out | xargs)"
[ "$(grep -c '^batch' out)" = 0 ] || fail "it is of no batch"
expect 0 scope show "@$3" --json
expect_same "$tare" "$(jq -r .tare.id out)"
expect_same "0keysg 0keysh" "$(jq -r '.tare.tared[] | "\(.tare)\(.by)\(.key)"' out | xargs)"
expect 0 get "@$(jq -r .tare.seq out)" --meta --json
expect_same schema "$(jq -r .kind out)"

# Where the type says it, the class need not be said again.
expect 0 scope add -l hashed "{\"h\":{\"@hash\":\"$tare\"}}"
expect 0 scope show hashed --mode table
expect_out_has "(hash)"

# ---- tape: a column only where there is something in it ----

expect 0 tape --mode table
expect_same "seq time verdict of extends enclosing labels tare variables" "$(head -n 1 out | xargs)"
expect_out_has "$(echo $tare | cut -c 1-8)"
expect 0 tape "@$1..@$3" --mode table
expect_same "seq time verdict of extends enclosing labels variables" "$(head -n 1 out | xargs)"
expect 0 tape --mode csv
expect_same "seq,time,verdict,of,extends,enclosing,labels,batch,tare,variables" "$(head -n 1 out)"
expect 0 tape --mode line
expect_same 1 "$(grep -c '^tare' out)"
expect_same 1 "$(grep -c '^batch' out)"

# Settings that were never told are not those of a tare.
expect 0 scope config
expect_no_out

# ---- tares that nothing tells of ----

expect 0 b.flume init
tared_scope >lines
expect 0 b.flume import lines
expect 0 b.flume tape --json
seq=$(jq -r .seq out)
expect 0 b.flume scope show "@$seq" --mode table
expect_out_has "$tare"
expect_out_has "cannot be told"
expect 0 b.flume scope show "@$seq" --json
expect_same "$tare null" "$(jq -r '"\(.tare.id) \(.tare.tared)"' out)"
