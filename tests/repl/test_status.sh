# test_status.sh - flume status: one screen, one object; beside writers, on any basin.
. "${0%/*}/lib.sh"

# ---- numbers ----

expect 0 a.flume init
expect 0 a.flume status --json
expect_json out
expect_out_lines 1
expect_jq out '.type == "status" and .head == 0 and .durable == 0 and .first == null and
    .rate.records == 0 and (.rate.counts | length) == 30 and .disk.total > 0'
expect 0 a.flume status
expect_out_has "head	0"

seq 500 >lines
"$FLUME" a.flume append -l run/1 --each line <lines >/dev/null || fail "append"
expect 0 a.flume status --json
"$FLUME" a.flume info --json >info || fail "info"
for key in basin head used_bytes allocated_bytes strata first last; do
    expect_same "$(jq ".$key" info)" "$(jq ".$key" out)" "$key"
done
expect_same 501 "$(jq '.rate.counts | add' out)" "all were appended in the last minute"
expect_jq out '.rate.records == 501 and .rate.rec_s == 8.35 and .rate.bucket_ns == 2000000000'
expect_same "$(jq .disk.total out)" "$(jq '[.disk | del(.total) | .[]] | add' out)" "disk by kind"
expect_same "$(jq .disk.strata out)" "$(($(stat -c '%b * %B' a.flume/log/*.strata)))" "strata"
expect_jq out '[.views[].view] | index("hash") != null and index("label") != null'
expect_jq out 'any(.views[]; .view == "label" and .lag == 501 and .state == "closed")'
expect_jq out '.attached | length == 1 and .[0].self and .[0].read_only'

# The rows say the same.
"$FLUME" a.flume status >rows || fail "status"
expect_same "$(jq .head out)" "$(awk -F '\t' '$1 == "head" { print $2 }' rows)" "rows"
expect_same 501 "$(awk -F '\t' '$1 == "views.label.lag" { print $2 }' rows)" "rows of views"

expect 0 a.flume label list
expect 0 a.flume status --json
expect_jq out 'any(.views[]; .view == "label" and .lag == 0 and .state == "live" and .disk > 0)'

# ---- where chunks are ----

expect_jq out '.grains.state == "none"'
head -c 1500000 /dev/zero >zeros
expect 0 b.flume blob put zeros --create
expect 0 b.flume status --json
expect_jq out '.grains.state == "here" and .disk.grains > 0'
expect_same "$(jq .disk.total out)" "$(jq '[.disk | del(.total) | .[]] | add' out)" "disk by kind"
mv b.flume/grains elsewhere
expect 0 b.flume status --json
expect_jq out '.grains.state == "absent" and .disk.grains == 0'
expect 0 b.flume status --mode table
expect_out_has "grains absent: b.flume/grains"
expect 0 b.flume blob grains --path elsewhere
expect 0 b.flume status --json
expect_jq out '.grains.state == "here" and .disk.grains > 0'

# ---- times of all kinds ----

cat >export <<'END'
{"type":"record","time":"1999-01-01T00:00:00Z","kind":"message","codec":"text","labels":[],"payload":"old","enc":"utf8"}
{"type":"record","time":"2400-01-01T00:00:00Z","kind":"message","codec":"text","labels":[],"payload":"far ahead","enc":"utf8"}
END
expect 0 b.flume import --create export
expect 0 b.flume status --json
expect_jq out '.rate.records == 1 or .rate.records == null'
expect 0 b.flume status --mode table
expect_out_has " ahead"
"$FLUME" b.flume append now >/dev/null || fail "append"
for i in 1 2 3; do
    "$FLUME" b.flume append --time 2001-02-03 "$i" >/dev/null || fail "append"
done
expect 0 b.flume status --json
expect_jq out '.rate.records == null and .rate.counts == null'
expect 0 b.flume status --mode table
expect_out_has "not known"

# ---- the screen ----

expect 0 a.flume status --mode table
expect_out_has "basin     a.flume  $(jq -r .basin info)"
expect_out_has "head      @501   durable @501"
expect_out_has "in step"
expect_out_has "501 behind"
expect_out_has "this one"
LC_ALL=C expect 0 a.flume status --mode table
LC_ALL=C grep -q '[^ -~]' out && fail "only ASCII in the locale C"

for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    "$FLUME" a.flume view add "field-$i" --json-path .a >/dev/null || fail "view add"
done
LINES=24 expect 0 a.flume status --mode table
[ "$(wc -l <out)" -le 21 ] || fail "more than a screen"
expect_out_has "more: flume DB view status"
[ "$(wc -L <out)" -le 79 ] || fail "a line is too wide"
grep -q '^  label .*in step' out && fail "those behind come first"
LINES=60 expect 0 a.flume status --mode table
grep -q "more:" out && fail "all views fit"
expect_same 23 "$(grep -cE '^  (hash|label|catalog|field-)' out)" "views on a large screen"

# ---- beside writers, without permission, damaged, nowhere ----

mkfifo feed
"$FLUME" a.flume append --each line -q <feed >/dev/null &
will_end $!
exec 9>feed
echo one >&9
writes() {
    "$FLUME" a.flume status --json | jq -e '.attached | any(.read_only | not)'
}
wait_until 5 writes
echo two >&9
expect 0 a.flume status --json
expect_jq out '.attached | length == 2'
exec 9>&-

if [ "$(id -u)" -ne 0 ]; then
    cp -r a.flume locked.flume
    chmod -R a-w locked.flume
    expect 0 locked.flume status --json
    expect_jq out '.observer'
    chmod -R u+w locked.flume
fi

expect 0 d.flume append --create first second third
printf XXXX | dd of="$(echo d.flume/log/*.strata)" bs=1 seek=4264 conv=notrunc 2>/dev/null
expect 0 d.flume status --json
expect_json out
expect 0 d.flume status --mode table

expect 7 nowhere.flume status
expect_err_has "not a flume basin"
expect 2 a.flume status more
