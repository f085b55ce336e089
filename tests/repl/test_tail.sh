# tail: the last records, following, and going on where a cursor file says.
. "$(dirname "$0")/lib.sh"

expect 7 missing.flume tail
expect 0 a.flume init
seq 1 20 | expect 0 a.flume append --each line
expect 0 a.flume append -l x marked

expect 0 a.flume tail --mode raw
expect_same "12 13 14 15 16 17 18 19 20 marked " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail --mode raw -n 2
expect_same "20 marked " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail -n 0
expect_no_out
expect 0 a.flume tail --mode raw -n 1000
expect_out_lines 21
expect 0 a.flume tail --mode raw -n 2 --grep '^1'
expect_same "18 19 " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail --mode raw --from last~1
expect_same "20 marked " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail --mode raw --after last~1
expect_same "marked " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail --mode raw --from first
expect_out_lines 21
expect 1 a.flume tail --from @100000
expect 0 a.flume tail -l nothing

# Following: what is there, then what comes.
"$FLUME" a.flume tail -f -n 1 --mode raw >followed 2>err &
child=$!
will_end $child
wait_until 10 has_lines followed 1
expect 0 a.flume append new1 new2
wait_until 10 has_lines followed 3
expect_same "marked new1 new2 " "$(tr '\n' ' ' <followed)"
kill -TERM $child
wait $child
expect_same 143 $? "the exit code after SIGTERM"
grep -q "continue later: tail -f --after @" err || fail "no word on how to continue"

# Ends: at the end as it is now, after a count, after silence.
expect 0 a.flume tail -f --exit-at-end -n 2 --mode raw
expect_out_lines 2
expect 0 a.flume tail -f --count 3 -n 100 --mode raw
expect_out_lines 3
expect 0 a.flume tail -f --idle 0.2 -n 1 --mode raw
expect_out_lines 1
expect 0 a.flume tail -f --idle 0.2 --json -n 5
expect_out_lines 5
expect_json out

# Ctrl-C.
timeout --preserve-status -s INT 1 "$FLUME" a.flume tail -f -n 1 >out 2>err
expect_same 130 $? "the exit code after Ctrl-C"
expect_out_lines 1
expect_err_has "continue later"

# A cursor file: missing is the start, then on from there, nothing twice and nothing left out.
expect 0 a.flume tail --cursor-file pos --mode raw --count 5
expect_same "1 2 3 4 5 " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail --cursor-file pos --mode raw --count 2
expect_same "6 7 " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail --cursor-file pos --mode raw
expect_same "8 9 10 11 12 13 14 15 16 17 18 19 20 marked new1 new2 " "$(tr '\n' ' ' <out)"
expect 0 a.flume tail --cursor-file pos --mode raw
expect_no_out
expect 0 a.flume append later
expect 0 a.flume tail --cursor-file pos --mode raw
expect_out "later
"

# It is kept while running, and written at a signal; also with a filter that nothing passes.
"$FLUME" a.flume tail -f --cursor-file pos --mode raw >followed 2>err &
child=$!
will_end $child
expect 0 a.flume append during
wait_until 10 has_lines followed 1
# What is in the file is looked at with a copy.
caught_up() {
    cp pos looked && "$FLUME" a.flume tail --cursor-file looked --mode raw >new && [ ! -s new ]
}
wait_until 20 caught_up
kill -KILL $child
wait $child 2>/dev/null
expect 0 a.flume tail --cursor-file pos --mode raw
expect_no_out
"$FLUME" a.flume tail -f --cursor-file pos -l nothing >followed 2>err &
child=$!
will_end $child
expect 0 a.flume append passed_over
wait_until 20 caught_up
kill -TERM $child
wait $child
expect_same 143 $?
grep -q -- "--cursor-file pos" err || fail "no word on how to continue with the file"
expect 0 a.flume tail --cursor-file pos
expect_no_out

# A filter that nothing passes does not keep the clock from being looked at.
(while [ ! -e stop ]; do seq 20000; done) | "$FLUME" busy.flume append --create --each line -q &
writer=$!
will_end $writer
wait_until 10 "$FLUME" busy.flume get first
expect 0 busy.flume tail -f -n 0 --grep nothing --idle 0.5
: >stop
wait $writer

# Every record once, although the reader is ended again and again.
seq 1 3000 | "$FLUME" b.flume append --create --each line -q || fail "append"
: >all
i=0
while [ $i -lt 30 ]; do
    "$FLUME" b.flume tail --cursor-file posb --mode raw --count $((i * 11 + 1)) >>all || fail "tail"
    i=$((i + 1))
done
head -n "$(wc -l <all)" >wanted <<END
$(seq 1 3000)
END
expect_same_files wanted all "records read piece by piece"

# A position that a power cut took, or of another log, is not believed.
cp pos good
sed 's/ [0-9a-f]*$/ 0123456789abcdef/' good >pos
expect 9 a.flume tail --cursor-file pos
expect_err_has "is not the one remembered"
expect 9 a.flume tail --cursor-file pos --json
expect_json err
expect_jq err '.name == "rewound" and .code == 9'
awk '{ $4 = $4 + 1000; print }' good >pos
expect 9 a.flume tail --cursor-file pos
echo nonsense >pos
expect 2 a.flume tail --cursor-file pos
expect_same nonsense "$(cat pos)" "a file that is no cursor is left alone"
: >empty
expect 2 a.flume tail --cursor-file empty
expect 2 b.flume tail --cursor-file good
expect 6 a.flume tail --cursor-file /nonexistent/pos
expect 6 a.flume tail --cursor-file .
