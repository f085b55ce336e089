# What may come next on a line: asked as the scripts of other shells ask, by words, and by the text of
# a line.
. "$(dirname "$0")/lib.sh"

# offers LINE WORD...: just these candidates, in this order.
offers() {
    lib_line=$1
    shift
    expect 0 __complete line -- "$lib_line"
    expect_no_err
    grep -v "^$tab" out | cut -f1 >given
    printf '%s\n' "$@" >wanted
    [ $# -gt 0 ] || : >wanted
    cmp -s wanted given ||
        fail "behind '$lib_line': wanted $(tr '\n' '|' <wanted), got $(tr '\n' '|' <given)"
}

# has LINE WORD: this among them. has_not LINE WORD.
has() {
    expect 0 __complete line -- "$1"
    cut -f1 out | grep -qxF -e "$2" || fail "behind '$1' there is no $2"
}
has_not() {
    expect 0 __complete line -- "$1"
    ! cut -f1 out | grep -qxF -e "$2" || fail "behind '$1' there is $2"
}

# says LINE MARK: a line for the shell that asks.
says() {
    expect 0 __complete line -- "$1"
    grep -qxF "$tab$2" out || fail "behind '$1' it does not say $2"
}

tab=$(printf '\t')

# ---- the table alone, without a basin ----

offers 'g' get graph
offers 'bookm'
offers '__comp'
has '' append
has '' help
has_not '' __complete
has_not '' bookmark
offers 'view re' rebuild resume
offers 'view rebuild --al' --all
offers 'mark h' history
offers 'log --mode c' csv
offers 'log --mode=c' --mode=csv
offers 'append --each ' line nul json
offers 'append --kind m' message
has 'log --kind ' bookmark
offers 'append --codec j' json
offers 'help exit' exit-codes
offers 'help app' append
offers 'completion ' bash zsh fish
offers 'explain ge' get
offers 'explain get la' last
offers 'hist g' gap
offers 'hist gap --si' --since
has 'log ' first..
offers 'log @1..la' @1..last
# Options: of this command, and not twice unless they repeat.
has 'get -' --meta
has_not 'get -' --create
has 'get --me' --meta
offers 'get --meta --me'
has 'append -l x --la' --label
offers 'log --json --js'
offers 'append -- --cre'
# Where nothing can stand but an option, that.
has 'info ' --json
has_not 'get ' --json
# Words that are nothing to complete.
offers 'append {"a":'
offers 'append # comment '
offers 'append <<EN'
offers 'nosuchcommand '
offers 'get | gr'
says 'get last > x' files
says 'append --file x' files
says 'log | x' files
says 'init x' files
says './x' files

# Dot-commands, and the command that one of them watches.
offers '.mo' .mode
offers '.mode c' csv
offers '.pager al' always
offers '.set mod' mode
offers '.set mode c' csv
has_not '.set ' quit
offers '.help wi' width
says '.once x' files
offers '.watch 1 view stat' status
offers '.watch -n 3 1 vie' view
offers '.nosuch '
offers './x ge' get

# ---- a basin ----

expect 0 a.flume init
for label in run/1 run/1 run/2 'my label' beef 17 last "it's"; do
    "$FLUME" a.flume append -l "$label" "of $label" >out 2>err || fail "append"
done
FLUME_DB=a.flume
export FLUME_DB
# Nothing is built for who types.
offers 'get ru'
offers 'get 12ab'
offers 'find te'
[ ! -d a.flume/views ] || fail "completion has made a view"
expect 0 mark crash run/1 -m 'oh no'
expect 0 mark 'two..dots' run/1
expect 0 get run/2 --json --meta
hash=$(jq -r .hash out)
expect 0 get "$hash"
expect 0 view add temp --json-path .temp --type number
expect 0 view add hosts --reduce count --by .host
expect 0 view add gone --json-path .gone
expect 0 view drop gone
expect 1 find temp 3

offers 'get ru' run/1 run/2
offers 'get run/1' run/1 run/1~
offers 'get run/1~' run/1~1
offers 'get last~' last~1 last~2 last~3 last~4 last~5 last~6 last~7 last~8 last~9
offers 'get my' 'my label'
offers "get 'my la" 'my label'
offers 'get my\ l' 'my label'
offers 'get it' "it's"
offers 'get :' :crash :two..dots
offers 'get mark:cr' mark:crash
offers 'get "label:' label:17 label:beef "label:it's" label:last 'label:my label' label:run/1 label:run/2
offers 'get hash:12'
# A label that looks like something else is named as what it is.
has 'get ' label:17
has 'get ' label:last
has 'get ' label:beef
has_not 'get ' beef
offers "get $(echo "$hash" | cut -c 1-6)" "$(echo "$hash" | cut -c 1-10)"
offers "get hash:$(echo "$hash" | cut -c 1-4)" "hash:$(echo "$hash" | cut -c 1-10)"
offers "get $(echo "$hash" | cut -c 1-3)"
# What every one is good for.
expect 0 __complete line -- 'get run/2'
expect_out_has "run/2${tab}1 record, last @"
expect 0 __complete line -- 'get :cr'
expect_out_has "oh no"

offers 'log :c' :crash..
says 'log :c' open
has_not 'log :' ':two..dots..'
offers 'log :crash..run/2' :crash..run/2
offers 'export @1..:c' @1..:crash
offers 'log -l run/2' run/2
offers 'log -lrun/2' -lrun/2
offers 'log --label=run/2' --label=run/2
offers 'tail --from las' last
offers 'label show b' beef
offers 'label all beef my' 'my label'
offers 'label list r' run/1 run/2
offers 'mark cr' crash
offers 'mark show c' crash
offers 'mark new ru' run/1 run/2
offers 'view rows ' hash label catalog blob scope superset address hosts temp
offers 'view drop ' hosts temp
offers 'view add t' temp
offers 'view rebuild hash t' temp
offers 'view pause h' hash hosts
offers 'find ' label hash hosts temp
offers 'find label be' beef
offers 'find label beef a' and
offers 'find temp 1..3 and label my' 'my label'
offers "find hash $(echo "$hash" | cut -c 1-6)" "$(echo "$hash" | cut -c 1-10)"
offers 'find label beef or te' temp

# The same by words, as shells that cut a line themselves ask; the basin may be among them.
unset FLUME_DB
expect 0 __complete words -- a.flume get 'my la'
expect_out_has "my label$tab"
expect 0 __complete words -- --db a.flume get run/2
expect_out_has "run/2$tab"
expect 0 __complete words -- a.flume get ''
expect_out_has ":crash$tab"

# A basin that is not there, or is none, or is damaged: the table still answers, and nothing is said.
for path in b.flume err ./none/x.flume; do
    expect 0 __complete words -- "$path" get la
    expect_no_err
    expect_out_has "last$tab"
done
[ ! -e b.flume ] || fail "completion has made a basin"
expect 2 __complete

# ---- in bounded time ----

# is_quick WORD...: an answer comes within $limit ns, where views are open and the machine has the time.
limit=5000000
is_quick() {
    expect 0 __complete time -- "$@"
    lib_least=$(sed 1d out | sort -n | head -n 1 | cut -f1)
    [ "$lib_least" -lt $limit ] || fail "completion of $* is slow"
    echo "  $*: $lib_least ns, $(tail -n 1 out | cut -f2) candidates"
}

labels=20000
[ -z "${FLUME_TEST_LONG:-}" ] || labels=1000000
awk -v labels=$labels 'BEGIN {
    form = "{\"type\":\"record\",\"seq\":%d,\"time\":\"2026-11-20T09:00:00Z\",\"labels\":[%s]," \
           "\"kind\":\"message\",\"codec\":\"text\",\"bytes\":8,\"enc\":\"utf8\",\"payload\":\"%s\"}\n"
    for (i = 0; i < labels; i++) {
        printf form, 2 * i, sprintf("\"run/%07d\"", i), sprintf("b%07d", i)
        printf form, 2 * i + 1, "", sprintf("c%07d", i)
    }
}' | "$FLUME" big.flume import --create --forgetful -q || fail "import"
expect 0 big.flume get run/0000007 --json --meta
hash=$(jq -r .hash out)
expect 0 big.flume get "$hash"
echo "$labels labels, $((2 * labels)) hashes:"
is_quick big.flume get ''
is_quick big.flume get run/00
is_quick big.flume get run/0000007
is_quick big.flume get "$(echo "$hash" | cut -c 1-4)"
is_quick big.flume log -l ''
is_quick big.flume get ''
# As many as are shown, and more are known of.
expect 0 __complete time -- big.flume get ''
expect_same 200 "$(sort -n -k 2 out | tail -n 1 | cut -f2)" "candidates"
[ "$(tail -n 1 out | cut -f3)" != 0 ] || fail "nothing more is known of"
expect 0 __complete time -- big.flume get run/00000
expect_same 100 "$(sort -n -k 2 out | tail -n 1 | cut -f2)" "candidates that begin so"

# ---- blobs ----

cd "$work" || exit 1
FLUME_DB=blobs.flume
export FLUME_DB
expect 0 init blobs.flume
offers 'blob get re' # Nothing is built for who types.
[ ! -d blobs.flume/views ] || fail "completion has made a view"
echo one >one
echo two >two
expect 0 blob put one --name report.pdf
expect 0 blob put two --name 2026
expect 0 blob list
expect 0 blob stat report.pdf --json
hash=$(jq -r .hash out)
offers 'blob get re' report.pdf
offers 'blob get ' last label:name=2026 report.pdf
offers "blob stat hash:$(echo "$hash" | cut -c 1-4)" "hash:$(echo "$hash" | cut -c 1-16)"
offers 'blob un' unreferenced
offers 'blob put --chunking ' fixed cdc
says 'blob put x' files
says 'blob has x' files
says 'blob grains --path x' files

# ---- scopes ----

FLUME_DB=scopes.flume
export FLUME_DB
expect 0 init scopes.flume
offers 'scope find n'
expect 0 scope add -l sweep n=1 'name="a"' '{"grid":{"h":0.5}}'
expect 0 scope add -l sweep n=2 eps=0.1
offers 'scope find n' n= name=
offers 'scope add n=1 ' eps= grid/h= n= name=
expect 0 label list
offers 'scope explain -l sw' sweep
offers 'scope li' list
