# graph: which scopes lie within which, as a tree, for Graphviz, as SVG and as rows; what is asked for
# alone, and what is left out is told.
. "${0%/*}/lib.sh"

add() {
    expect 0 a.flume scope add -q "$@"
}

expect 0 a.flume init
seq_of() {
    "$FLUME" a.flume scope find "$@" --json | jq -s 'map(select(.verdict != "dup")) | .[-1].seq'
}

# Four runs of a sweep; two got a variable more, in either order both; one less; another program.
for n in 1 2 3 4; do
    add -l sweep n=$n eps=0.1
done
for n in 1 2; do
    add -l sweep n=$n eps=0.1 z=7
    add -l sweep n=$n eps=0.1 solver=cg
    add -l sweep n=$n eps=0.1 solver=cg z=7
done
add -l sweep n=1
add -l other m=1
add -l other m=1
before=$("$FLUME" a.flume stat --json | jq .head)

# ---- the tree ----

# Seqs depend on the manifests of each program that wrote: they are left out.
tree() {
    expect 0 a.flume graph "$@"
    sed 's/@[0-9]*/@/' out
}
expect_tree() {
    expect_same "$(cat)" "$(cat out.tree)" "the tree"
}

tree >out.tree
expect_tree <<'END'
n [sweep]  1 scope  @
└─ +eps  1 of 4 extend  4 scopes  @
   ├─ +z  2 scopes  @
   │  └─ +solver  2 scopes  @
   └─ +solver  2 scopes  @
      └─ +z  2 scopes  @
m [other]  1 scope  @
END
expect_no_err
LC_ALL=C tree -l sweep >out.tree
expect_tree <<'END'
n [sweep]  1 scope  @
`- +eps  1 of 4 extend  4 scopes  @
   |- +z  2 scopes  @
   |  `- +solver  2 scopes  @
   `- +solver  2 scopes  @
      `- +z  2 scopes  @
END
tree --scopes -l other -l sweep >out.tree
expect_tree <<'END'
n=1 [sweep]  @
└─ +eps=0.1  @
   ├─ +z=7  @
   │  └─ +solver="cg"  @
   └─ +solver="cg"  @
      └─ +z=7  @
m=1 [other]  @
eps=0.1 n=2 [sweep]  @
├─ +z=7  @
│  └─ +solver="cg"  @
└─ +solver="cg"  @
   └─ +z=7  @
eps=0.1 n=3 [sweep]  @
eps=0.1 n=4 [sweep]  @
END

# Around one: what lies within it, and what it lies within, and nothing else.
tree --around "@$(seq_of n=2 z=7)" >out.tree
expect_tree <<'END'
eps=0.1 n=2 [sweep]  @
└─ +z=7  @  this one
   └─ +solver="cg"  @
END
tree "..@$(seq_of z=7)" >out.tree
expect_tree <<'END'
eps, n [sweep]  4 scopes  @
END

# What is below several goes on below the first.
expect 0 b.flume init
for words in a=1 b=1 'a=1 b=1' 'a=1 b=1 c=1'; do
    expect 0 b.flume scope add -q $words
done
expect 0 b.flume graph
expect_same "$(sed 's/@[0-9]*/@/' out)" 'a  1 scope  @
└─ +b  1 scope  @
   └─ +c  1 scope  @
b  1 scope  @
└─ +a  1 scope  @  as above' "what covers two"

# ---- rows ----

expect 0 a.flume graph --json
expect_json out
expect_same 6 "$(wc -l <out)" "a row for each shape"
expect_jq out '.keys == ["eps","n"] and .scopes == 4 and .labels == ["sweep"] and
    (.covers | length) == 1 and .covers[0].added == ["eps"] and .covers[0].scopes == 1'
expect_jq out '.keys == ["eps","n","solver","z"] and (.covers | map(.added[0])) == ["solver","z"]'
first=$(jq -s 'map(select(.keys == ["n"]))[0].seq' out)
expect_jq out ".keys == [\"eps\",\"n\"] and .covers[0].seq == $first"
expect 0 a.flume graph --mode csv -l other
expect_same "$(sed -n '1p;s/^[0-9]*,[0-9]*,//;2p' out)" 'seq,last,scopes,labels,covers,keys
1,other,,m' "csv"
expect 0 a.flume graph --scopes --json
expect_same 12 "$(wc -l <out)" "a row for each scope"

# ---- Graphviz and SVG ----

expect 0 c.flume init
expect 0 c.flume scope add -q -l 'a<b>&"c\d' 'k"\<&=1' "$(printf 'e\033[31m')=2"
expect 0 c.flume scope add -q -l 'a<b>&"c\d' 'k"\<&=1' "$(printf 'e\033[31m')=2" '日本語=x'
expect 0 c.flume graph --format dot
expect_out_has 'digraph scopes {'
expect_out_has '-> s'
# Without what is escaped there is an even number of quotes, and no control byte.
expect_same 0 "$(sed 's/\\[\\"n]//g' out | tr -cd '"' | wc -c | awk '{ print $1 % 2 }')" quotes
LC_ALL=C tr -d '\n' <out | LC_ALL=C grep -q '[[:cntrl:]]' && fail "control bytes in dot"
expect 0 c.flume graph
LC_ALL=C tr -d '\n' <out | LC_ALL=C grep -q '[[:cntrl:]]' && fail "control bytes in the tree"
if command -v dot >/dev/null; then
    dot -Tplain <out >/dev/null 2>&1 || fail "Graphviz refuses it"
fi

for basin in a b c; do
    expect 0 $basin.flume graph --format svg -o $basin.svg
    expect_err_has "$basin.svg"
    if command -v xmllint >/dev/null; then
        xmllint --noout $basin.svg 2>err || fail "not well-formed: $basin.svg"
        expect_same "$(xmllint --xpath "count(//*[local-name()='rect' and @class='lane'])" \
            $basin.svg)" "$("$FLUME" $basin.flume graph --json | wc -l)" "a box for each"
    fi
    LC_ALL=C tr -d '\n' <$basin.svg | LC_ALL=C grep -q '[[:cntrl:]]' && fail "control bytes in SVG"
    expect 0 $basin.flume graph --format svg
    expect_same_files out $basin.svg "the same bytes again"
done

# ---- what is left out, and what is wrong ----

expect 0 a.flume graph -n 2
expect_err_has "6 scopes of 4 other shapes left out: -n N shows more"
expect_out_lines 2
expect 0 a.flume graph --scopes -n 3
expect_err_has "9 scopes left out"
expect 1 a.flume graph -l nothing
expect_no_out
expect 0 a.flume graph -l nothing --no-fail-empty
expect 1 a.flume graph ..@0
expect 2 a.flume graph -n 0
expect_err_has "1 to 10000"
expect 2 a.flume graph -n 10001
expect 2 a.flume graph --format png
expect 2 a.flume graph --json -o rows
expect_err_has "rows are written to standard output"
expect 1 a.flume graph --around "@0"
expect_err_has "is no scope"
expect 1 a.flume graph --around @9999
expect 6 a.flume graph --format svg -o no/such/directory.svg
expect_same "$before" "$("$FLUME" a.flume stat --json | jq .head)" "nothing is written"
