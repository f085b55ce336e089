# explain: which view answers, where it stands and what it costs; nothing is waited for or changed.
. "$(dirname "$0")/lib.sh"

expect 0 a.flume init
seq 50 | expect 0 a.flume append -l run/1 --each line -q
expect 0 a.flume append --codec json '{"temp":20}'
expect 0 a.flume view add temp --json-path .temp
expect 0 a.flume view add seen --reduce count
head=$("$FLUME" a.flume info --json | jq .head)

expect 0 a.flume explain get @17
expect_same log "$(cut -f 1 out)"
expect 0 a.flume explain get run/1~1 --json
expect_json out
expect_jq out '.type == "step" and .source == "label" and .lag > 0 and
    (.step | contains("applies") and contains("run/1"))'
expect_jq out '.source == "log"'
expect_same closed "$("$FLUME" a.flume view status label --json | jq -r .state)"
expect 0 a.flume get run/1~1
expect 0 a.flume explain get run/1~1 --json
expect_jq out '.source == "label" and .lag == 0 and .at == '"$head"
expect 0 a.flume explain get :x 64b4b2
expect_same "label log hash log " "$(cut -f 1 out | tr '\n' ' ')"
expect 0 a.flume explain log run/1~3..last -l run/1
expect_out_has "label '"
expect_same "label log " "$(cut -f 1 out | tr '\n' ' ')"
expect 0 a.flume explain get first last~2
expect_out_has "3 records from the end"
expect 0 a.flume explain log ..run/1
expect_out_has "records in their order"
expect 0 a.flume explain mark list
expect 0 a.flume explain view
expect 2 a.flume explain find temp 1 and
expect 0 a.flume explain append --after run/1 x
expect_same label "$(head -n 1 out | cut -f 1)"
expect_same "$head" "$("$FLUME" a.flume info --json | jq .head)" "nothing was appended"
expect 0 a.flume explain mark x run/1
expect 0 a.flume explain label show run/1
expect_out_has "about 50 rows"
expect 0 a.flume explain label list
expect 0 a.flume explain view rebuild temp
expect 0 a.flume explain check
expect_out_has "no view is asked"

expect 0 a.flume find temp 20
expect 0 a.flume explain find temp 20 and label run/1 --json
expect_json out
expect_jq out '.source == "temp" and .lag == 0'
expect_jq out '.source == "query" and (.step | length) > 0'
expect 0 a.flume explain find hash 64b4b2
expect 0 a.flume explain find seen
expect_out_has "a row for each group"
expect 1 a.flume explain find nosuch 1

expect 2 a.flume explain
expect_err_has "explain needs an operand"
expect 0 a.flume explain blob get x --mode csv
expect_out_has 'blob,'
expect 0 a.flume explain blob grains --mode csv
expect_out_has 'log,'
expect 2 a.flume explain nosuch
expect_err_has "no command 'nosuch'"
expect 2 a.flume explain get
expect 2 a.flume explain get @x
expect_err_has "^~"
expect 0 explain --help
expect_out_has "usage: flume [DB] explain"
