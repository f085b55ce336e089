# scope config: the settings that recorders have recorded, merged for labels, with their origin; and defaults.
. "$(dirname "$0")/lib.sh"

FLUME_DB=a.flume
export FLUME_DB

# rows WORD...: "what key value labels rule" of each row.
rows() {
    expect 0 scope config "$@" --json
    rows=$(jq -r '"\(.what):\(.key)=\(.value)<\(.labels)#\(.rule)"' out | sort | tr '\n' ' ')
}

expect 0 init
expect 0 scope config
expect_no_out
recorded_schema >schema
expect 0 import schema
rows
expect_same "default:z=7<null#null setting:keep=all<#0 " "$rows" "without labels"
rows step
expect_same "default:z=7<null#null setting:flush every=10<^step\$#1 setting:keep=some<s#2 " "$rows"
rows x step
expect_same "default:z=7<null#null setting:flush every=10<^step\$#1 setting:keep=some<s#2 " "$rows" \
    "any of the labels"
rows other
expect_same "default:z=7<null#null setting:keep=all<#0 " "$rows"
expect 0 scope config step --json
seq=$(jq -r .seq out | sort -u)
expect 0 get "@$seq" --meta --json
expect_same schema "$(jq -r .kind out)"
expect 0 scope config --as-of "@$((seq - 1))" # Nothing was said yet.
expect_no_out
expect 0 scope config step
expect_out_has "flush every"
expect_out_lines 3
expect 0 explain scope config step
expect_out_has schema

# A body that is no schema says so.
schema_line '{"settings":[{"key":"a"}],"defaults":{}}' >bad
expect 0 import bad
expect 4 scope config
expect_err_has "not what a schema's record is"
