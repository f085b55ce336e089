# blob put: whatever ends a put, the chunks that were stored are found when it is put again, and none is
# written twice; what is left of one that is never put again is listed.
. "$(dirname "$0")/lib.sh"

head -c 20971520 /dev/urandom >whole
chunks=20
expect 0 a.flume init
mkfifo pipe

# begin BYTES: a put of which so many bytes have gone in, and which waits for the rest: $put.
begin() {
    "$FLUME" a.flume blob put - --json <pipe >"$work/out" 2>"$work/err" &
    put=$!
    will_end $put
    exec 5>pipe
    head -c "$1" whole >&5 || fail "the put takes no more"
}

# The chunks of the second log.
count_chunks() {
    "$FLUME" a.flume blob unreferenced --json | jq -r 'select(.type == "summary").chunks'
}

# ---- killed ----

begin 19000000
kill -KILL $put
exec 5>&-
wait $put 2>/dev/null
expect 0 a.flume blob list
expect_no_out
kept=$(count_chunks)
[ "$kept" -gt 0 ] && [ "$kept" -lt $chunks ] || fail "$kept chunks of a killed put"
expect 0 a.flume blob unreferenced --json
expect_same "$kept" "$(jq -r 'select(.type == "summary").unreferenced' out)" "nobody's"
expect_same "$kept" "$(grep -c '"type":"chunk"' out)" "each is listed"
expect 0 a.flume blob unreferenced -n 2 --mode csv
expect_out_lines 3
expect_err_has "belong to no blob"
expect 0 a.flume check

expect 0 a.flume blob put whole --resume --json
expect_jq out ".chunks == $chunks and .chunks_new == $((chunks - kept)) and .state == \"new\""
expect_jq out ".bytes_new == $((chunks - kept)) * 1048576"
expect_jq err '.type == "note" and (.message | contains("of 20 chunks"))'
expect_err_has "$kept of $chunks chunks"
expect_same $chunks "$(count_chunks)" "no chunk was written twice"
expect 0 a.flume blob get last
expect_same_files whole out
expect 0 a.flume blob unreferenced --json
expect_jq out '.type == "summary" and .unreferenced == 0 and .duplicates == 0'
expect 0 a.flume blob put whole --resume --name again
expect_err_has "20 of 20 chunks, 20.0 MiB of 20.0 MiB, were there already"

# ---- by Ctrl-C ----

head -c 20971520 /dev/urandom >whole
begin 19000000
kill -TERM $put # SIGINT is ignored in the background.
wait $put
code=$?
exec 5>&-
expect_code 143
expect_no_out
expect_jq err '.type == "cancelled" and .done >= 18000000 and .unit == "bytes" and
    (.remedy | contains("goes on"))'
kept=$(($(count_chunks) - chunks))
[ $kept -gt 0 ] || fail "nothing of a cancelled put is kept"
expect 0 a.flume blob put whole --resume
expect_err_has "$kept of $chunks chunks"
expect_same $((2 * chunks)) "$(count_chunks)" "no chunk was written twice"

# ---- by itself: what is small is one record, and needs no resuming ----

echo small >small
expect 0 a.flume blob put small --resume
expect_err_has "it was not there already"
expect 0 a.flume blob put small --resume
expect_err_has "small: it was there already"
expect 0 a.flume blob put small --resume -q
expect_no_out
expect_no_err

# ---- a chunk that is damaged, and healed by who has the content ----

expect 0 b.flume init
expect 0 b.flume blob put whole --name whole
# Their bytes are random, and so lie in the files as they are.
needle=$(head -c 2000000 whole | tail -c 900000 | LC_ALL=C grep -aoE '[a-zA-Z0-9]{6}' | head -n 1)
offset=
for file in b.flume/grains/log/*.strata; do
    offset=$(grep -obUaF "$needle" "$file" | head -n 1 | cut -d : -f 1)
    [ -z "$offset" ] || break
done
[ -n "$offset" ] || fail "the chunk is not in b.flume/grains"
printf 'DAMAGE' | dd of="$file" bs=1 seek="$offset" conv=notrunc 2>/dev/null
expect 4 b.flume blob get whole
expect_err_has "blob verify --all"
head -c 1048576 whole >wanted
cmp -s wanted out || fail "what is before the damage was not written, or more"
expect 4 b.flume blob get whole -o copy
[ ! -e copy ] || fail "a part was written as a whole"
expect_err_has "copy was not written"
expect 0 b.flume blob get whole --range 3M..5M
head -c 5242880 whole | tail -c 2097152 | cmp -s - out || fail "chunks that are sound"
expect 4 b.flume blob verify --all --json
expect_jq out '.result == "damaged" and .chunks_bad == 1 and .first_bad == 1048576 and
    .bytes == 19922944'
expect_jq err '.code == 4 and .name == "damaged"'
# Without --prove it is known by its hash alone; with it, it is stored again.
expect 0 b.flume blob put whole --json
expect_jq out '.chunks_new == 0'
expect 0 b.flume blob put whole --prove --json
expect_jq out '.chunks_new == 1 and .state == "known"'
expect 0 b.flume blob get whole
expect_same_files whole out
expect 0 b.flume blob verify whole

# ---- a disk that takes no more: a limit to the size of files stands for it ----

expect 0 c.flume init --strata 1M
lib_command="blob put, limited"
sh -c 'trap "" XFSZ; ulimit -f 12000; exec "$0" c.flume blob put "$1"' "$FLUME" whole >out 2>err
code=$?
expect_code 6
expect_no_out
expect_err_has "putting it again goes on"
expect 0 c.flume check
expect 0 c.flume blob list
expect_no_out
expect 0 c.flume blob put whole
expect 0 c.flume blob get last
expect_same_files whole out
