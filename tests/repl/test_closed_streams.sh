# The program, started with standard streams closed: nothing that it opens takes their place.
. "$(dirname "$0")/lib.sh"

seq 1 3 | expect 0 a.flume append --create --each line -q

# What is printed does not go anywhere, which is an error; the basin stays as it is.
"$FLUME" a.flume log >&- 2>err
expect_same 6 $? "log with stdout closed"
expect_err_has "output cannot be written: Bad file descriptor"
"$FLUME" a.flume append four >&- 2>err
expect_same 6 $? "append with stdout closed"
expect_err_has "output cannot be written: Bad file descriptor"
"$FLUME" a.flume append five <&- >&- 2>&-
expect_same 6 $? "append with all closed"
"$FLUME" a.flume get @99 2>&-
expect_same 1 $? "an error that nobody can be told"
"$FLUME" a.flume append six 2>&- >out
expect_same 0 $? "append with stderr closed"
expect 0 a.flume check
expect 0 a.flume log --mode raw
expect_out "1
2
3
four
five
six
"

# What is not there is not read: not an eventfd, nor a basin.
for words in 'append -' 'append --each line' import ''; do
    # shellcheck disable=SC2086 # The words are words.
    timeout 20 "$FLUME" a.flume $words <&- >out 2>err
    expect_same 6 $? "flume a.flume $words <&-"
    expect_err_has "Bad file descriptor"
done
