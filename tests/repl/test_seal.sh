# seal: full strata are packed, records stay as they are; strata: what each file of the log is.
. "$(dirname "$0")/lib.sh"

seq 4000 | sed 's/.*/{"n":&,"text":"one of many records that are much alike"}/' >bodies
expect 0 a.flume init --strata 64k
expect 0 a.flume append --each json -l run/1 -q <bodies
expect 0 a.flume log --mode raw
cp out before

# ---- before ----
expect 0 a.flume strata --json
expect_json out
strata=$(wc -l <out)
[ "$strata" -gt 4 ] || fail "several strata"
expect_jq out '.type == "strata" and .form == "raw" and .root == null and .ratio == null'
expect 0 a.flume stat --json
expect_jq out ".strata == $strata and .sealed == 0"
expect_same 4000 "$("$FLUME" a.flume strata --json | jq -s 'map(.records) | add - length')" \
    "records, less a manifest in each"

# ---- full ones ----
expect 0 a.flume seal --json
expect_json out
expect_jq out ".type == \"sealed\" and .strata == $strata - 1 and .ratio < 0.5"
expect_jq out '.raw_bytes > .sealed_bytes and .records == .sealed_to'
expect 0 a.flume seal
expect_err_has "no strata is full and not sealed; --active seals the one in use too"
expect 0 a.flume seal -q
[ -s err ] && fail "quiet is quiet"

# ---- all ----
expect 0 a.flume seal --active --level 3 --block 4k --dictionary --json
expect_jq out '.strata == 1'
expect 0 a.flume seal --active
expect_err_has "there is nothing to seal"
expect 0 a.flume strata --json
expect_same 1 "$(jq -s 'map(.form) | unique | length' out)" "forms"
expect_jq out '.form == "sealed" and .blocks > 0 and .file_bytes > 0 and (.root | length) == 64'
expect 0 a.flume strata -v --json
expect_jq out '.merkle > 0 and .grain_index > 0 and .block_index == 32 * .blocks'
expect_jq out '(.chain | length) == 64'
expect 0 a.flume strata --mode table
expect_out_has "sealed"
expect_same 0 "$(grep -cE '[0-9a-f]{13}' out)" "a table shows the beginning of a root"
expect 0 a.flume status --json
expect_jq out '.strata == .sealed'
expect 0 a.flume info --json
expect_jq out '.strata == .sealed'
[ -z "$(find a.flume/log -name '*.slots' -o -name '*.tmp')" ] || fail "nothing else is left"

# ---- the same records, and more of them ----
expect 0 a.flume log --mode raw
cmp -s out before || fail "records differ after sealing"
expect 0 a.flume log --reverse -n 1 --json
expect_jq out '.payload.n == 4000'
expect 0 a.flume append -q 'one more'
expect 0 a.flume get last --mode raw
expect_out "one more"
expect 0 a.flume strata --json
expect_same raw "$(tail -n 1 out | jq -r .form)" "a new strata was begun"

# ---- elsewhere ----
expect 0 d.flume init
expect 0 d.flume append -q 'far away'
expect 6 d.flume seal --active --path cold
expect_err_has "$PWD/cold/"
expect 0 d.flume append -q 'none was sealed'
mkdir cold
expect 0 d.flume seal --active --path cold
[ -h "$(ls d.flume/log/*.strata | head -n 1)" ] && [ -f "$(ls cold/*.strata | head -n 1)" ] ||
    fail "it is not in cold/"
expect 0 d.flume append -q 'here'
expect 0 d.flume get @1 --mode raw
expect_out "far away"
mv cold colder
expect 6 d.flume get @1
expect_err_has "$PWD/cold/"
expect_err_has "not here"
expect 0 d.flume get last --mode raw
expect_out "here"
expect 6 d.flume check
mv colder cold
expect 0 d.flume check
# In the basin it is said from there: both can be moved together.
mkdir d.flume/own
expect 0 d.flume seal --active --path d.flume/own
mv d.flume e.flume
expect 0 e.flume get last --mode raw
expect_out "here"

# ---- what is refused ----
expect 2 a.flume seal --level 20
expect_err_has "level 20 is not from 1 to 19"
expect 2 a.flume seal --block 1k
expect_err_has "a block of 1024 is not from 4096 to 1048576 bytes"
expect 2 a.flume seal --block 99999999999999999
expect 2 a.flume seal --parity somewhere
expect 2 a.flume seal now
expect 2 seal
run b.flume seal
[ "$code" -ne 0 ] || fail "a basin that is not there"
[ ! -e b.flume ] || fail "none is made"

# ---- a record that does not read ----
expect 0 c.flume init --strata 64k
expect 0 c.flume append --each json -q <bodies
printf XXXX | dd of=c.flume/log/00000000000000000000.strata bs=1 seek=9000 conv=notrunc 2>/dev/null
expect 4 c.flume seal
expect_err_has "is damaged (strata 00000000000000000000, offset "
expect 0 c.flume strata --json
expect_jq out '.form == "raw"'

# Nothing follows the command's name in its usage.
expect 2 a.flume strata all
[ "$(sed -n '$p' err)" = "  usage: flume [DB] strata" ] || fail "usage: $(cat -A err)"
