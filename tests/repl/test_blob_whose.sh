# blob: whose the chunks beside a basin are GRAINS says, or who is asked.
. "$(dirname "$0")/lib.sh"

head -c 1500000 /dev/urandom >large
head -c 1600000 /dev/urandom >larger
mkdir volume
expect 0 b.flume blob put larger --create
expect 0 c.flume init
expect 0 c.flume blob grains --path volume/of-c
expect 0 c.flume blob put large

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
expect 2 d.flume blob grains --path b.flume/grains
expect_err_has "does not have what seq"
expect 0 d.flume blob grains --path kept
expect 0 d.flume blob get large
expect_same_files large out
