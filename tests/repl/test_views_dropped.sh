# A declared view that somebody drops while others use it.
. "$(dirname "$0")/lib.sh"

seq 200000 | sed 's/.*/{"n":&}/' | expect 0 a.flume append --create --each line -q
expect 0 a.flume view add kept --json-path .n --type number
expect 0 a.flume view add number --json-path .n --type number

# Rebuilding it ends, and says so; nobody has pressed Ctrl-C.
is_rebuilding() {
    "$FLUME" a.flume view status number --json | jq -e '.state == "rebuilding"'
}
"$FLUME" a.flume view rebuild number kept >rebuilt 2>err &
process=$!
will_end $process
wait_until 10 is_rebuilding
kill -STOP $process
expect 0 a.flume view drop number
kill -CONT $process
wait $process
code=$?
expect_code 1 "a rebuild whose view was dropped"
expect_err_has "view number was dropped or declared anew by somebody meanwhile"
grep -q '^kept	done' rebuilt || fail "the other view was not rebuilt"

# What it has left behind is not offered as what was meant.
expect 1 a.flume find number 5
expect_err_has "no declared view 'number'"
grep -q 'did you mean' err && fail "it is offered"
exit 0
