# mark: names for records, their notes, labels and history.
. "$(dirname "$0")/lib.sh"

expect 0 a.flume init
expect 1 a.flume mark nothing
expect_err_has "the log is empty"
expect 0 a.flume mark list
expect_no_out
for i in 0 1 2 3; do
    expect 0 a.flume append -l run "r$i"
done

expect 0 a.flume mark here
expect_same here "$(cut -f 1 out)"
expect_same r3 "$("$FLUME" a.flume get :here)" "mark without R is the last record"
# ... and not the bookmark that was appended for it.
expect 0 a.flume mark there
expect_same r3 "$("$FLUME" a.flume get :there)"
expect 0 a.flume mark early run~2 -m 'why: 100 % "sure"' -l noted -l twice --json
expect_json out
expect_jq out '.type == "marked" and .name == "early" and (.note | startswith("why"))'
expect_same "$(jq .seq out)" "$("$FLUME" a.flume get run~2 --json | jq .seq)"
expect_same r1 "$("$FLUME" a.flume get :early)"
expect 0 a.flume bookmark also :early
expect_same r1 "$("$FLUME" a.flume get :also)"
expect 0 a.flume mark set list first
expect_same r0 "$("$FLUME" a.flume get :list)" "a name that is a word of the command"

expect 0 a.flume mark list
expect_same "also early here list there " "$(cut -f 1 out | tr '\n' ' ')"
expect 0 a.flume mark
expect_out_lines 5
expect 0 a.flume mark list e
expect_same early "$(cut -f 1 out)"
expect 0 a.flume mark list -n 2
expect_out_lines 2
expect 1 a.flume mark list zzz
expect 0 a.flume mark list --json
expect_json out
expect_jq out '.type == "bookmark" and .name == "early" and .labels == "noted,twice" and
    .note == "why: 100 % \"sure\"" and (.time | endswith("Z")) and .record > .seq'

expect 0 a.flume mark show :early --json
expect_out_lines 1
expect_jq out '.name == "early"'

# Moved, dropped, set again: the newest counts, the history keeps all.
expect 0 a.flume mark early run
expect_same r3 "$("$FLUME" a.flume get :early)"
expect 0 a.flume mark drop early -m 'no longer'
expect 1 a.flume get :early
expect 1 a.flume mark show early
expect 1 a.flume mark drop early
expect 0 a.flume mark list
expect_same "also here list there " "$(cut -f 1 out | tr '\n' ' ')"
expect 0 a.flume mark :early run~1
expect_same r2 "$("$FLUME" a.flume get :early)"
expect 0 a.flume mark history early --json
expect_json out
expect_out_lines 4
expect_same '["","","dropped",""]' "$(jq -s -c 'map(.state)' out)"
expect_jq out '.state == "dropped" and .seq == null and .note == "no longer"'
bodies=
for seq in $(jq -r '.seq // empty' out); do
    bodies="$bodies$("$FLUME" a.flume get "$seq") "
done
expect_same "r1 r3 r2 " "$bodies" "what the history names"

# A bookmark's labels are its record's.
expect 0 a.flume label show noted --json
expect_jq out '.kind == "bookmark"'

# Errors.
expect 1 a.flume mark show heer
expect_err_has "did you mean :here?"
expect 1 a.flume mark history nosuch
expect 1 a.flume mark x nosuchlabel
expect 2 a.flume mark 'a b'
expect_err_has "this cannot be the name of a bookmark"
expect 2 a.flume mark 'a~1'
expect 2 a.flume mark x @y
expect_err_has "^~"
expect 2 a.flume mark x first last
expect 2 a.flume mark show here --note x
expect 1 a.flume mark x @1000000
expect 7 missing.flume mark x

rm -rf a.flume/views
expect_same r2 "$("$FLUME" a.flume get :early)" "after rm -rf views"
expect 0 a.flume mark history early
expect_out_lines 4
