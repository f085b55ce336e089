# check names damage and repair makes a basin usable; both ask for nobody's terminal.
. "$(dirname "$0")/lib.sh"

expect 7 missing.flume check
expect 7 missing.flume repair --yes
seq 1 5000 | sed 's/^/a record with the number /' | expect 0 a.flume append --create --each line -q
expect 0 a.flume check
expect_no_out
expect_err_has "nothing is damaged"
expect 0 a.flume check --json
expect_json out
expect_jq out '.type == "summary" and .sound and .records >= 5000'

# Repair asks, and without a terminal wants --yes.
expect 2 a.flume repair </dev/null
expect_err_has "--yes"
expect 0 a.flume repair --dry-run </dev/null
expect 0 a.flume repair --yes </dev/null
expect 0 a.flume log
expect_out_lines 5000

# One byte of one body is changed.
strata=$(ls a.flume/log/*.strata | head -n 1)
at=$(grep -abo 'number 2500' "$strata" | head -n 1 | cut -d: -f1)
printf X | dd of="$strata" bs=1 seek=$((at + 8)) conv=notrunc 2>/dev/null
expect 4 a.flume check
expect_out_has "damaged_record"
expect 4 a.flume check --json
expect_json out
expect_json err
expect_jq out '.type == "finding" and .kind == "damaged_record" and (.first | type == "number")'
expect_jq err '.code == 4'
damaged=$(jq -s 'map(select(.kind == "damaged_record"))[0].first' out)
expect 4 a.flume get "@$damaged"
expect_no_out
expect 0 a.flume get "@$((damaged + 1))"
expect_out "a record with the number 2501"
# The others are read past it.
expect 4 a.flume log --mode raw
expect_out_lines 4999
expect_err_has "$damaged"
expect 4 a.flume export
expect_out_lines 4999
expect 4 a.flume log --json
expect_json out
expect_json err

run a.flume repair --dry-run
[ "$code" -eq 0 ] || expect_code 4 "it would be repaired, and is not yet"
expect_out_has "damaged_record"
expect 4 a.flume check
expect 0 a.flume repair --yes --json
expect_json out
expect 0 a.flume append "after the repair"
expect 0 a.flume get last
expect_out "after the repair"
expect 0 a.flume log
expect_out_lines 5000
expect_err_has "1 records were lost"
expect 4 a.flume get "@$damaged"
expect 0 a.flume export --all
expect_jq out ".type == \"lost\" and .seq == $damaged"
cp out all.ndjson
expect 0 b.flume import all.ndjson --create
expect 0 b.flume log
expect_out_lines 5000

# Repair needs the basin for itself.
"$FLUME" a.flume tail -f -n 1 >followed 2>/dev/null &
child=$!
will_end $child
wait_until 10 has_lines followed 1
expect 5 a.flume repair --yes --timeout 0.2
expect 5 a.flume repair --yes --timeout 0.2 --json
expect_jq err '.code == 5 and .name == "busy"'
expect 0 a.flume check
expect 0 a.flume append "still going"
kill -TERM $child
wait $child
expect 0 a.flume repair --yes

# Quick: only what opening looks at.
expect 0 q.flume append --create one two three
expect 0 q.flume check --quick
expect_no_out
expect_err_has "no damage there"
expect 0 q.flume check --quick --json
expect_json out
expect_jq out '.type == "summary" and .what == "quick" and .sound and .head == 4'
expect 0 q.flume check --quick --full --json
expect_jq out '.what == "check"'
expect 7 missing.flume check --quick
strata=$(ls q.flume/log/*.strata | head -n 1)
at=$(grep -abo three "$strata" | head -n 1 | cut -d: -f1)
printf X | dd of="$strata" bs=1 seek="$at" conv=notrunc 2>/dev/null
expect 4 q.flume check --quick
expect_err_has "@3"
expect 4 q.flume check --quick --json
expect_jq out '.sound == false'
expect_jq err '.type == "error" and .code == 4'
