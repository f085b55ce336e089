# tape --tree: scopes within scopes, which a program has committed, are indented by what encloses each; a link
# that counts several is one row of scope list and several of the tape.
. "$(dirname "$0")/lib.sh"

cat >nest.c <<'END_OF_C'
#include <flume/recorder.h>
#include <flume/view.h>
int main(void)
{
    flume *handle;
    flume_recorder *recorder;
    flume_scope *outer, *inner, *leaf;
    int bad = flume_open(&handle, "a.flume", NULL, NULL) || flume_scope_create(&outer) ||
              flume_scope_create(&inner) || flume_scope_create(&leaf) ||
              flume_recorder_open(&recorder, handle, NULL) || flume_scope_label(outer, "outer") ||
              flume_scope_set_int(outer, "run", 1) || flume_scope_enter(recorder, outer) ||
              flume_scope_label(inner, "inner") || flume_scope_set_f64(inner, "h", 0.5) ||
              flume_scope_enter(recorder, inner) || flume_scope_label(leaf, "leaf");
    for (int i = 0; i < 6; i++)
        bad = bad || flume_scope_set_int(leaf, "i", i / 3) || flume_commit(recorder, leaf, NULL);
    bad = bad || flume_commit(recorder, inner, NULL) || flume_scope_leave(recorder, inner) ||
          flume_commit(recorder, outer, NULL) || flume_scope_leave(recorder, outer) ||
          flume_recorder_close(recorder) || flume_close(handle);
    return bad;
}
END_OF_C
"${CC:-cc}" -I"${FLUME_SOURCE_DIR:?the directory of the sources}/include" -o nest nest.c \
    "$(dirname "$FLUME")/libflume.a" -lxxhash -lzstd -lisal -llmdb -ljansson -lm -lpthread 2>err || {
    echo "left out: no compiler, or a library that it cannot link (a sanitizer's)"
    exit 0
}
expect 0 a.flume init
./nest || fail "scopes are not committed"

expect 0 a.flume tape --json
# Twice three of the leaf, then the inner and the outer scope.
expect_same "new dup dup new dup dup subset subset" "$(jq -r .verdict out | xargs)" verdicts
inner=$(jq -r 'select(.labels | index("leaf") == null) | select(.labels | index("inner")) | .seq' out)
outer=$(jq -r 'select(.labels == ["outer"]) | .seq' out)
expect_same "$inner $inner $inner $inner $inner $inner $outer null" \
    "$(jq -r .enclosing out | xargs)" "enclosing scopes"
expect_same 6 "$(jq -r 'select(.variables == {h:0.5, run:1, i:0} or .variables == {h:0.5, run:1, i:1}) |
    .seq' out | wc -l)" "what is inherited"
expect 0 a.flume tape --tree --mode tsv
sed -e 1d out | cut -f 3 | sed 's/[a-z]*$//' | awk '{ print length }' | xargs >depths
expect_same "4 4 4 4 4 4 2 0" "$(cat depths)" "depths"
expect 0 a.flume scope list --json
expect_same "1 2 1 2 1 1" "$(jq -r .count out | xargs)" "a link is one row"
expect 0 a.flume scope list --reverse --json
expect_same "1 1 2 1 2 1" "$(jq -r .count out | xargs)" "newest first"
expect 0 a.flume dup --json
expect_same "3 3" "$(jq -r .count out | xargs)" "how often each was committed"
expect 0 a.flume scope show "@$inner" --json
expect_jq out ".enclosing == $outer"
