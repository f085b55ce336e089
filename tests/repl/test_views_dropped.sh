# A declared view that somebody drops while others use it.
. "$(dirname "$0")/lib.sh"

# Rebuilding it ends, and says so; nobody has pressed Ctrl-C.
is_rebuilding() {
    "$FLUME" a.flume view status number --json | jq -e '.state == "rebuilding"'
}

is_rebuilding_or_over() {
    is_rebuilding || grep -q '^number' rebuilt
}

# Drop the view in the midst of a rebuild; $code is how that ended.
drop_under_rebuild() {
    expect 0 a.flume view add number --json-path .n --type number
    "$FLUME" a.flume view rebuild number kept >rebuilt 2>err &
    process=$!
    will_end $process
    wait_until 10 is_rebuilding_or_over
    kill -STOP $process
    expect 0 a.flume view drop number
    kill -CONT $process
    wait $process
    code=$?
}

expect 0 a.flume init
expect 0 a.flume view add kept --json-path .n --type number
for count in 200000 400000 800000; do # Until it takes longer than it takes to be seen.
    seq $count | sed 's/.*/{"n":&}/' | expect 0 a.flume append --each line -q
    drop_under_rebuild
    [ $code -ne 0 ] && break
done
expect_code 1 "a rebuild whose view was dropped"
expect_err_has "view number was dropped or declared anew by somebody meanwhile"
grep -q '^kept	done' rebuilt || fail "the other view was not rebuilt"

# What it has left behind is not offered as what was meant.
expect 1 a.flume find number 5
expect_err_has "no declared view 'number'"
grep -q 'did you mean' err && fail "it is offered"
exit 0
