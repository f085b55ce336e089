# blob: where the chunks are away, all but their bytes goes on working, what needs them says which blob
# and where they should be, and they can come back, or be moved.
. "$(dirname "$0")/lib.sh"

head -c 3000000 /dev/urandom >large
head -c 1000 /dev/urandom >small

# ---- none yet ----

expect 0 a.flume init
expect 0 a.flume blob grains --json
expect_jq out '.state == "none" and .grains == null'
expect 0 a.flume blob put small --name small -l one
[ ! -e a.flume/grains ] || fail "a small one needs no second log"
expect 0 a.flume blob put large --name large -l one --type text/plain
expect 0 a.flume blob grains --json
expect_jq out '.state == "here" and (.path | endswith("a.flume/grains"))'
id=$(jq -r .grains out)

# ---- away ----

mv a.flume/grains away
expect 0 a.flume blob grains
expect_out_has "absent"
expect 0 a.flume blob list --json
expect_same 2 "$(wc -l <out)"
expect 0 a.flume blob list -l one
expect 0 a.flume blob stat large
expect_out_has "(absent)"
expect_out_has "text/plain"
expect 0 a.flume blob has large small
expect 0 a.flume blob get small
expect_same_files small out
expect 0 a.flume append 'life goes on'
expect 0 a.flume get last
expect 3 a.flume check
expect_no_out
expect_err_has "chunks that 1 records refer to were not looked at"
expect_err_has "a.flume/grains"
expect_err_has "blob grains --path"
expect 3 a.flume check --json
expect_jq out '.sound and .grains == "absent" and .needing_chunks == 1 and .not_looked_at == 1 and
    (.grains_path | endswith("a.flume/grains")) and (has("grains_records") | not)'
expect_jq err '.code == 3 and .name == "absent"'
expect 0 a.flume status
expect 6 a.flume blob get large
expect_no_out
hash=$("$FLUME" a.flume blob stat large --json | jq -r .hash | cut -c 1-8)
expect_err_has "$hash"
expect_err_has "a.flume/grains"
expect_err_has "blob grains --path"
expect 6 a.flume blob get large --json -o copy
expect_jq err '.name == "absent" and .code == 6'
[ ! -e copy ] || fail "a file of nothing"
expect 6 a.flume blob verify --all --json
expect_same "absent sound" "$(jq -r .result out | sort | xargs)"
expect_jq err '.name == "absent"'
expect 6 a.flume blob unreferenced
# Small ones go in, known ones too; a new large one cannot.
echo more >more
expect 0 a.flume blob put more
head -c 2000000 /dev/urandom >larger
expect 6 a.flume blob put larger
expect_err_has "a.flume/grains"
[ ! -e a.flume/grains ] || fail "another second log was made in its place"
expect 6 a.flume blob put larger more
expect_out_has "known"

# ---- back ----

mv away a.flume/grains
expect 0 a.flume blob get large
expect_same_files large out
expect 0 a.flume blob verify --all
expect 0 a.flume blob put larger
expect 0 a.flume check
expect_err_has "grains: "
expect 0 a.flume check --json
expect_jq out '.sound and .grains == "here" and .needing_chunks == 2 and .not_looked_at == 0 and
    .grains_records >= 5 and .grains_findings == 0'

# ---- elsewhere ----

head -c 2500000 /dev/urandom >largest
mkdir volume
mv a.flume/grains volume/chunks
expect 6 a.flume blob grains --path volume/nothing
expect_err_has "volume/nothing"
expect 0 a.flume blob grains --path volume/chunks --json
expect_jq out ".state == \"here\" and .grains == \"$id\" and (.path | endswith(\"volume/chunks\"))"
expect 0 a.flume blob get large
expect_same_files large out
expect 0 a.flume blob put large --name elsewhere
# From another directory it is the same place.
(cd volume && "$FLUME" ../a.flume blob get large >../out) || fail "from another directory"
expect_same_files large out
# Where another basin is in its place, it is not taken.
mv volume/chunks volume/kept
expect 0 volume/chunks init
expect 6 a.flume blob get large
expect_err_has "another basin"
expect 6 a.flume blob put largest
expect_err_has "another basin"
expect 0 a.flume blob grains
expect_err_has "another basin"
rm -r volume/chunks
# Back into the basin: both can be moved together again.
mv volume/kept a.flume/grains
expect 0 a.flume blob grains --path a.flume/grains
mv a.flume b.flume
expect 0 b.flume blob get large
expect_same_files large out

# ---- from the beginning ----

expect 0 c.flume init
expect 7 c.flume blob grains --path volume/no/such
expect_err_has "cannot make $PWD/volume/no/such"
expect 0 c.flume blob grains --path volume/of-c --strata 4M --json
expect_jq out '.state == "here" and (.path | endswith("volume/of-c"))'
expect 0 c.flume blob put large
[ -d volume/of-c/log ] && [ ! -e c.flume/grains ] || fail "the chunks are not where they should be"
expect 0 c.flume blob get last
expect_same_files large out

# ---- there, but not to be had ----

mv volume/of-c/flume.conf kept.conf
: >volume/of-c/flume.conf
expect 0 c.flume blob stat last --json
expect_jq out '.bytes == 3000000 and (.place | contains("not known"))'
expect 4 c.flume blob grains
expect 4 c.flume blob get last
mv kept.conf volume/of-c/flume.conf
# A view that cannot be had is no damage of what it finds.
rm -r volume/of-c/views
: >volume/of-c/views
expect 9 c.flume blob verify --all
expect_no_out
expect_err_has "view 'chunk'"
rm volume/of-c/views
expect 0 c.flume blob verify --all
expect_out_has "sound"
