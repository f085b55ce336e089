# cache: values under scopes and under data; the newest wins, also as of then.
. "$(dirname "$0")/lib.sh"

expect 7 missing.flume cache list
expect 0 a.flume init
expect 0 a.flume cache list
expect_no_out
expect 1 a.flume cache get nothing
expect_err_has "there is no value under this key"

# ---- by a scope, by data ----

expect 0 a.flume cache put '{"n":100,"eps":0.1}' converged -l kept
expect 0 a.flume cache get '{"eps":0.1,"n":100}'
expect_out "converged"
expect 1 a.flume cache get '{"n":100,"eps":0.1,"more":1}'
expect 1 a.flume cache get '{"n":100.0,"eps":0.1}'
expect 1 a.flume cache get '{"n":100,"eps":0.1}' --space other
expect 0 a.flume cache put '{"n":100,"eps":0.1}' elsewhere --space other
expect 0 a.flume cache get '{"n":100,"eps":0.1}'
expect_out "converged"
expect 0 a.flume cache put key one
expect 0 a.flume cache get key
expect_out "one"

# ---- the newest, and as of then ----

then=$("$FLUME" a.flume info --json | jq .head)
expect 0 a.flume cache put key two
expect 0 a.flume cache get key
expect_out "two"
expect 0 a.flume cache get key --as-of "@$((then - 1))"
expect_out "one"
expect 0 a.flume cache list --json
expect_json out
address=$(jq -r 'select(.versions == 2) | .address' out)
seq=$(jq -r 'select(.versions == 2) | .seq' out)
expect 0 a.flume cache get "$address"
expect_out "two"
expect 0 a.flume cache get "@$seq"
expect_out "two"
expect 1 a.flume cache get @0
expect_err_has "neither a scope nor a value"
expect 0 a.flume cache stat --json
expect_jq out '.addresses == 3 and .versions == 4 and .bytes == 21 and .remembered == 0'

# ---- of any size ----

head -c 3000000 /dev/urandom >large
expect 0 a.flume cache put large --file large
expect 0 a.flume cache get large -o copy
cmp large copy || fail "a large value came back otherwise"
"$FLUME" a.flume cache get large | cmp - large || fail "a large value, piped"
: >empty
expect 0 a.flume cache put empty --file empty
expect 0 a.flume cache get empty
expect_no_out

# ---- forgetting ----

expect 0 a.flume cache forget key
expect 1 a.flume cache get key
expect 1 a.flume cache forget key
expect 0 a.flume cache get key --as-of "@$seq"
expect_out "two"

# ---- what is refused ----

expect 2 a.flume cache put key
expect_err_has "one value"
expect 2 a.flume cache put key value --file large
expect 2 a.flume cache put '{"n":' value
expect_err_has "cannot be a key"
expect 2 a.flume cache put '{"@x":1}' value
expect 2 a.flume cache get key --json
expect_err_has "bytes as they are"
expect 6 a.flume cache put key --file missing
expect 6 a.flume cache put key --file .
expect 1 a.flume cache put @999999 value
expect 0 a.flume view rows address
expect_out_has "inline, 3 bytes, at"
expect_out_has "end, 0 bytes, at"

# ---- scope put and get: the same addresses ----

expect 0 b.flume scope put n=100 eps=0.1 --value converged --create
expect 0 b.flume scope get eps=0.1 n=100
expect_out "converged"
expect 0 b.flume cache get '{"n":100,"eps":0.1}'
expect_out "converged"
expect 1 b.flume scope get n=100
expect_err_has "there is no value under this key"
expect 1 b.flume scope get n=100 eps=0.1 -l sweep
expect 0 b.flume scope put n=100 eps=0.1 -l sweep --file large
expect 0 b.flume scope get n=100 eps=0.1 -l sweep -o again
cmp large again || fail "a large value of a scope"
expect 2 b.flume scope put n=1
expect_err_has "one value"
expect 2 b.flume scope put n=1 --value a --file large
expect 2 b.flume scope get n=1 --json
expect 0 b.flume scope list
expect_no_out
