# blob: what goes in comes out, whatever its size and the way it takes; once for each content, found by
# hash, name, label and seq; in every form of output; and what is asked for wrongly is refused.
. "$(dirname "$0")/lib.sh"

# ---- sizes, and ways in ----

mkdir in
: >in/empty
printf x >in/one
head -c 1048575 /dev/urandom >in/below
head -c 1048576 /dev/urandom >in/edge
head -c 1048577 /dev/urandom >in/above
head -c 20971520 /dev/urandom >in/random
head -c 20971520 /dev/zero >in/zeros

field() {
    jq -r ".$1" out
}

expect 0 a.flume init
for file in empty one below edge above random zeros; do
    expect 0 a.flume blob put in/$file --name $file -l "of/$file" --type test/$file --json
    expect_jq out '.type == "put" and .state == "new"'
    expect_same "$(wc -c <in/$file)" "$(field bytes)" "size of $file"
    hash=$(field hash)
    echo "$file $hash" >>hashes
    expect 0 a.flume blob get "$hash"
    expect_same_files in/$file out
    expect 0 a.flume blob get $file -o copy
    expect_no_out
    expect_same_files in/$file copy
    # By a redirection and by a pipe it is the same content, and known.
    lib_command="put <$file"
    "$FLUME" a.flume blob put --json <in/$file >out || fail "put"
    expect_same "$hash known" "$(field hash) $(field state)"
    expect_same "0 -" "$(field bytes_new) $(field file)"
    cat in/$file | "$FLUME" a.flume blob put - --json >out || fail "put"
    expect_same "$hash known" "$(field hash) $(field state)"
done
expect 0 a.flume blob list --json
expect_same 7 "$(wc -l <out)" "what is known is not recorded again"
expect_same "0 0 0 0 2 20 20" "$(jq -r .chunks out | xargs)" "chunks"
# Equal chunks are stored once: all of zeros are one.
expect 0 b.flume init
expect 0 b.flume blob put in/zeros --json
expect_jq out '.chunks == 20 and .chunks_new == 1 and .bytes_new == 1048576 and .bytes_stored < 4096'
if command -v b3sum >/dev/null; then
    while read -r file hash; do
        expect_same "$(b3sum --no-names in/$file)" "$hash" "b3sum of $file"
    done <hashes
fi

# ---- ranges ----

# range FROM TO: bytes FROM up to TO of the random one are those that dd cuts out of the file.
range() {
    tail -c +$(($1 + 1)) in/random | head -c $(($2 - $1)) >wanted
    expect 0 a.flume blob get random --range "$1..$2"
    expect_same_files wanted out "range $1..$2"
}
range 0 0
range 0 1
range 0 1048576
range 1048575 1048577
range 1048576 2097152
range 3000000 9000001
range 20971519 20971520
range 20971520 20971520
expect 0 a.flume blob get random --range ..1M
head -c 1048576 in/random | cmp -s - out || fail "..1M"
expect 0 a.flume blob get random --range 19M..
tail -c 1048576 in/random | cmp -s - out || fail "19M.."
expect 0 a.flume blob get random --range 20971510..21M -o part
tail -c 10 in/random | cmp -s - part || fail "a range that goes behind the end ends there"
expect 0 a.flume blob get below --range 1000..2000
tail -c +1001 in/below | head -c 1000 | cmp -s - out || fail "a range of an inline content"
expect 1 a.flume blob get random --range 20971521..
expect_err_has "the blob has 20,971,520 bytes"
for wrong in 5 x..y 9..3 -- ...; do
    expect 2 a.flume blob get random --range "$wrong"
done

# ---- chunking ----

expect 0 c.flume init
expect 0 c.flume blob put in/random --chunking cdc --json
expect_jq out '.chunks > 5 and .chunks < 80 and .chunks_new == .chunks'
{
    printf 'in front of all'
    cat in/random
} >shifted
expect 0 c.flume blob put shifted --chunking cdc --json
expect_jq out '.chunks_new <= 3 and .chunks > 5 and .state == "new"'
expect 0 c.flume blob get "$(field hash)"
expect_same_files shifted out
expect 0 c.flume blob put shifted --chunk-bytes 64k --json
expect_jq out '.state == "known" and .chunks == 321'
expect 2 c.flume blob put shifted --chunk-bytes 1k
expect_err_has "4k to 4M"
expect 2 c.flume blob put shifted --chunk-bytes 48k --chunking cdc
expect_err_has "a power of two"
expect 2 c.flume blob put shifted --chunking no

# ---- what it is called by ----

hash=$(sed -n 's/^random //p' hashes)
for word in "$hash" "$(echo "$hash" | cut -c 1-12)" "hash:$(echo "$hash" | cut -c 1-12)" random \
    of/random label:name=random label:of/random; do
    expect 0 a.flume blob stat "$word" --json
    expect_same "$hash" "$(field hash)" "blob stat $word"
done
seq=$(field seq)
expect 0 a.flume blob stat "@$seq" "$seq" --json
expect_same "$hash $hash" "$(field hash | xargs)"
expect 0 a.flume mark it "@$seq"
expect 0 a.flume blob stat :it --json
expect_jq out '.name == "random" and .labels == ["of/random"] and .media_type == "test/random" and
    .form == "chunked" and (.place | endswith("grains"))'
expect 1 a.flume blob stat @0
expect_err_has "@0 is not a blob"
expect 1 a.flume blob stat @100000
expect 1 a.flume blob get randon
expect_err_has "did you mean random?"
expect 1 a.flume blob get 0123abcd
expect_err_has "no blob's hash begins with 0123abcd"
# Another name of a known content: nothing is stored, and both names find it.
expect 0 a.flume blob put in/random --name other --json
expect_jq out '.state == "known" and .chunks_new == 0 and .bytes_new == 0'
expect 0 a.flume blob stat other random "$hash" --json
expect_same "other random other" "$(field name | xargs)" "a hash means its newest record"
# Two contents whose hashes begin alike: four digits are enough to find a pair among some hundred.
expect 0 d.flume init
i=0
while [ $i -lt 400 ]; do
    i=$((i + 1))
    echo $i >in/small.$i
done
expect 0 d.flume blob put in/small.* --json
alike=$(field hash | cut -c 1-4 | grep '[a-f]' | sort | uniq -d | head -n 1)
[ -n "$alike" ] || fail "no two of 400 hashes begin alike"
expect 10 d.flume blob stat "$alike" --json
jq -e '.name == "ambiguous" and (.candidates | length >= 2)' err >/dev/null || fail "candidates"
expect 10 d.flume blob has "$alike"

# ---- has ----

expect 0 a.flume blob has in/random "$hash" --json
expect_same "true true" "$(field known | xargs)"
expect 1 a.flume blob has shifted
expect_out_has "no"
expect 3 a.flume blob has in/one shifted
expect 1 a.flume blob has "$(printf '%064d' 0)"
expect 6 a.flume blob has nowhere
"$FLUME" a.flume blob has - -q <in/above || fail "has of standard input"

# ---- list, in every mode ----

expect 0 a.flume blob list --label of/one --label of/empty --json
expect_same "empty one" "$(field name | xargs)"
expect 1 a.flume blob list --label none
expect 1 a.flume blob list --since 2100-01-01
expect 0 a.flume blob list --since 1h -n 2 --reverse --json
expect_same "other zeros" "$(field name | xargs)"
expect 0 a.flume blob put in/one --name 'a "name", with|all\that' -l 'x,y' --time 2020-01-01 --json
expect 0 a.flume blob list --until 2021-01-01 --json
expect_same 'a "name", with|all\that' "$(field name)"
for mode in table plain line md csv tsv; do
    expect 0 a.flume blob list --mode $mode
    expect_out_has "of/zeros"
done
expect 0 a.flume blob list --mode csv
expect_out_has '"a ""name"", with|all\that"'
expect 0 a.flume blob list --mode json
expect_same 9 "$(jq length out)" "one array"
expect 0 a.flume blob list --mode raw
expect_same 9 "$(grep -cE '^[0-9a-f]{64}$' out)" "the first column is the hash"
expect 0 a.flume blob
expect_out_lines 9

# By label the labels' index is asked; backwards all blobs are looked at. Other records do not count.
expect 0 l.flume init
for i in 1 2 3 4 5 6; do
    echo "blob $i" >"in/b$i"
    expect 0 l.flume blob put "in/b$i" --name "b$i" -l "mod/$((i % 2))" -l "third/$((i % 3))"
    expect 0 l.flume append -l mod/0 -l third/0 "message $i"
done
[ ! -e l.flume/views/label ] || fail "the labels' index is there before it is asked"
expect 0 l.flume blob list -l mod/0 --json
expect_same "b2 b4 b6" "$(field name | xargs)"
[ -e l.flume/views/label ] || fail "the labels' index was not asked"
expect 0 l.flume blob list -l mod/0 -l third/0 --json
expect_same "b2 b3 b4 b6" "$(field name | xargs)" "each once, in order"
expect 0 l.flume blob list -l mod/0 -l third/0 --reverse --json
expect_same "b6 b4 b3 b2" "$(field name | xargs)"
expect 0 l.flume blob list -l third/1 -l third/2 -l mod/0 -n 2 --json
expect_same "b1 b2" "$(field name | xargs)"
expect 0 l.flume blob list -l mod/1 --until 2100-01-01 --since 1h --json
expect_same "b1 b3 b5" "$(field name | xargs)"
expect 1 l.flume blob list -l mod/1 --until 2000-01-01
expect_no_out

# ---- several at once; what cannot be put ----

expect 0 e.flume blob put in/empty in/one in/above --create -l all --json
expect_same "0 1 1048577" "$(field bytes | xargs)"
expect 6 e.flume blob put in/empty nowhere in/one --json
expect_same 2 "$(wc -l <out)" "the others are put"
expect_jq err '.message | contains("nowhere")'
expect 3 e.flume blob put in/empty in
expect_err_has "in is a directory"
expect 2 e.flume blob put in
expect 2 e.flume blob put in/empty in/one --name both
expect 2 e.flume blob put - -
expect 2 e.flume blob put in/empty --name ''
expect 2 e.flume blob put in/empty --name "$(printf 'a\nb')"
expect 2 e.flume blob put in/empty --name "$(printf '%0251d' 0)"
expect 0 e.flume blob put in/empty --name "$(printf '%0250d' 0)"
expect 2 e.flume blob put in/empty --type 'bad
type'
expect 7 nowhere.flume blob put in/empty
expect 0 e.flume blob put in/one --name 17
expect 1 e.flume blob get 17
expect 0 e.flume blob get label:name=17
expect 2 e.flume blob get in --json
expect_jq err '.message | contains("as they are")'
expect 2 e.flume blob get label:name=17 --mode csv
expect 2 e.flume blob verify
expect 2 e.flume blob verify first --all
expect 6 a.flume blob get random -o nowhere/file
expect_err_has "nowhere/file"
if [ -c /dev/full ]; then
    expect 6 a.flume blob get random -o /dev/full
    expect_err_has "No space left"
fi

# ---- verify ----

expect 0 a.flume blob verify --all --json
expect_same "7 sound" "$(field result | sort | uniq -c | xargs)" "each content once"
expect 0 a.flume blob verify other --json
expect_jq out '.chunks == 20 and .bytes == 20971520 and .chunks_bad == 0'
