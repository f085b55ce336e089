# blob: a check of a basin goes on to its chunks; whose chunks are is said by GRAINS, or by --path.
. "$(dirname "$0")/lib.sh"

head -c 1500000 /dev/urandom >large
head -c 1600000 /dev/urandom >larger
mkdir volume
expect 0 b.flume blob put larger --create
expect 0 c.flume init
expect 0 c.flume blob grains --path volume/of-c
expect 0 c.flume blob put large

# ---- damaged, which a check of the basin finds ----

strata=$(ls volume/of-c/log/*.strata | head -n 1)
cp "$strata" kept.strata
printf 'not what it was' | dd of="$strata" bs=1 seek=500000 conv=notrunc 2>/dev/null
expect 4 c.flume check
expect_out_has "$PWD/volume/of-c/log/"
expect_err_has "flume $PWD/volume/of-c repair"
expect 4 c.flume check --json
expect_jq out 'if .type == "finding" then .file | contains("/of-c/log/") else
    .sound == false and .damaged == 0 and .grains_damaged >= 1 end'
cp kept.strata "$strata"
expect 0 c.flume check

# ---- nothing says whose they are ----

# A stranger's chunks are not taken because they lie there.
expect 0 d.flume init
cp -R volume/of-c d.flume/grains
expect 6 d.flume blob put large
expect_err_has "whose they are"
expect_err_has "blob grains --path"
[ ! -e d.flume/GRAINS ] || fail "a stranger's chunks were taken"
expect 0 d.flume blob grains
expect_out_has "none"
expect_err_has "blob grains --path"
expect 0 d.flume blob grains --path d.flume/grains
expect 0 d.flume blob put large --name large
# Where a blob has chunks, no other second log is begun, and none taken that lacks them.
rm d.flume/GRAINS
mv d.flume/grains kept
expect 6 d.flume blob put larger
expect_err_has "GRAINS"
[ ! -e d.flume/grains ] || fail "another second log was begun"
expect 6 d.flume blob get large
expect_err_has "GRAINS"
expect 6 d.flume blob unreferenced
expect 3 d.flume check
expect_err_has "GRAINS"
expect 3 d.flume check --json
expect_jq out '.grains == "none" and .not_looked_at == 1'
expect 2 d.flume blob grains --path b.flume/grains
expect_err_has "does not have what seq"
expect 0 d.flume blob grains --path kept
expect 0 d.flume blob get large
expect_same_files large out
printf x | dd of=d.flume/GRAINS bs=1 seek=30 conv=notrunc 2>/dev/null
expect 4 d.flume check
expect_err_has "GRAINS is damaged"
expect 4 d.flume check --json
expect_jq out '.grains == "unknown" and .not_looked_at == 1'
