# The columns that help names are those that are written: the header of csv, and the keys of objects.
. "$(dirname "$0")/lib.sh"

# Everything that help tells, as lines "COMMAND<tab>FORM<tab>COLUMNS".
"$FLUME" help commands | grep -oE '^  [a-z]+' >names
while read -r command; do
    "$FLUME" help "$command" | sed -n '/^columns/,/^$/p' | sed '1d;/^$/d' |
        awk -v command="$command" '
            { sub(/^ +/, ""); line = line (line == "" ? "" : " ") $0 }
            /,$/ { next }
            {
                form = ""
                if (match(line, /^[^,]*: /)) {
                    form = substr(line, 1, RLENGTH - 2)
                    line = substr(line, RLENGTH + 1)
                }
                gsub(/, /, ",", line)
                print command "\t" form "\t" line
                line = ""
            }'
done <names >told
[ "$(wc -l <told)" -ge 30 ] || fail "help tells of few columns"

tab=$(printf '\t')
: >checked

# told_of COMMAND FORM: the columns that help tells, into $columns. The basin is as it was kept.
told_of() {
    command=$1 form=$2
    columns=$(awk -F "$tab" -v command="$command" -v form="$form" \
        '$1 == command && $2 == form { print $3 }' told)
    [ -n "$columns" ] || fail "help $command tells nothing of '$form'"
    echo "$command$tab$form" >>checked
    fresh
}

# Where nothing but reading was done, it is still as it was.
fresh() {
    case $command in
    init | append | mark | blob | scope | cache | view | import | check | repair | plot) ;;
    *) [ ! -d a.flume ] || return ;;
    esac
    rm -rf a.flume new.flume a.svg
    cp -R kept.flume a.flume
}

# Every key of the objects that these words write is among $columns.
has_keys() {
    fresh
    run "$@" --json
    jq -r 'select(.type != "summary") | keys_unsorted[]' out | sort -u >keys
    while read -r key; do
        case ",$columns," in
        *",$key,"*) ;;
        *) [ "$key" = type ] || fail "$command $form: an object has $key" ;;
        esac
    done <keys
    [ "$(wc -l <keys)" -ge 2 ] || fail "no object of $command $form"
}

# writes COMMAND FORM WORD...: what these words write has the columns that are told of the form.
writes() {
    told_of "$1" "$2"
    shift 2
    run "$@" --mode csv
    expect_same "$columns" "$(head -n 1 out)" "columns of $command $form"
    [ "$(wc -l <out)" -ge 2 ] || fail "no row of $command $form"
    has_keys "$@"
}

# The same of one object, which csv has as a key and a value a row.
writes_object() {
    told_of "$1" "$2"
    shift 2
    run "$@" --mode csv
    expect_same key,value "$(head -n 1 out)" "columns of $command $form"
    has_keys "$@"
}

expect 0 kept.flume init
expect 0 kept.flume append -l one --codec json '{"temp":21,"host":"a"}'
expect 0 kept.flume append -l one -l two second
batched_scope >batch.ndjson
recorded_schema >>batch.ndjson
expect 0 kept.flume import batch.ndjson
expect 0 kept.flume scope add -l sweep n=1
expect 0 kept.flume scope add -l sweep n=1
expect 0 kept.flume scope add -l sweep n=1 eps=0.1
expect 0 kept.flume cache put '{"n":1}' one
expect 0 kept.flume mark here -m note
expect 0 kept.flume view add temp --json-path .temp
expect 0 kept.flume view add hosts --reduce count --by .host
expect 0 kept.flume view sync
expect 0 kept.flume export -o kept.ndjson
# A content that is there, and chunks of one whose put was killed.
expect 0 kept.flume blob put kept.ndjson --name kept
mkfifo pipe
"$FLUME" kept.flume blob put - <pipe >/dev/null 2>&1 &
put=$!
exec 5>pipe
head -c 20000000 /dev/urandom >&5
kill -KILL $put
exec 5>&-
wait $put 2>/dev/null

expect 0 sealed.flume append --create one two
expect 0 sealed.flume seal --active
sealed_end=$("$FLUME" sealed.flume prove --json | jq .end)
expect 0 sealed.flume prove @1 -o record.proof
expect 0 sealed.flume prove --from "$sealed_end" -o roots.proof

writes init "" new.flume init
writes info "" a.flume info
writes append "" a.flume append -l x text
writes get "" a.flume get last
writes get --meta a.flume get last --meta
writes get --path a.flume get one~1 --path .temp
writes log "" a.flume log
writes tail "" a.flume tail
writes label list a.flume label list
writes label count a.flume label count
writes label show a.flume label show one
writes label all a.flume label all one two
writes label any a.flume label any one two
writes find "" a.flume find temp 21
writes find "(of a fold)" a.flume find hosts
writes mark set a.flume mark there last -m note
writes mark list a.flume mark list
writes mark show a.flume mark show here
writes mark history a.flume mark history here
writes view status a.flume view status
writes view "status -v" a.flume view status -v
writes view list a.flume view list
writes view add a.flume view add more --json-path .more
writes view drop a.flume view drop temp
writes view rows a.flume view rows label
writes view sync a.flume view sync
writes view rebuild a.flume view rebuild label
writes view verify a.flume view verify label
writes blob list a.flume blob list
writes blob put a.flume blob put kept.ndjson
told_of blob "get -o" # As an object; otherwise it says nothing.
has_keys a.flume blob get kept -o kept.copy
writes blob stat a.flume blob stat kept
writes blob has a.flume blob has kept.ndjson
writes blob verify a.flume blob verify --all
writes blob unreferenced a.flume blob unreferenced
writes blob grains a.flume blob grains
writes batch list a.flume batch list
writes batch show a.flume batch show sweep
writes scope list a.flume scope list
writes scope add a.flume scope add -l sweep n=1
writes scope show a.flume scope show sweep
writes scope diff a.flume scope diff sweep sweep~1
writes scope find a.flume scope find n=1
writes scope config a.flume scope config step
writes scope explain a.flume scope explain n=2
writes scope put a.flume scope put n=2 --value two
writes scope stat a.flume scope stat
writes tape "" a.flume tape
writes dup "" a.flume dup
writes dup R a.flume dup sweep~1
writes super "" a.flume super sweep~1
writes sub "" a.flume sub sweep
writes graph "" a.flume graph
writes cache put a.flume cache put '{"n":1}' one
writes cache list a.flume cache list
writes cache forget a.flume cache forget '{"n":1}'
writes cache stat a.flume cache stat
# Behind the command that is explained no option is flume's.
told_of run --explain
run a.flume run --explain -l sweep --scope n=2 --mode csv -- true
expect_same "$columns" "$(head -n 1 out)" "columns of run --explain"
run a.flume run --explain -l sweep --scope n=2 --json -- true
jq -e -s --arg columns "$columns" 'length > 1 and
    all(.[]; (keys_unsorted - ["type"] | join(",")) == $columns)' out >/dev/null ||
    fail "objects of run --explain"
writes explain "" a.flume explain get one
writes stat "" a.flume stat
writes stat -i a.flume stat -i 0.1 -n 1
writes_object status "" a.flume status
writes top "" a.flume top
writes top "--by count" a.flume top --by count
writes hist "" a.flume hist size
for what in rate lag size timeline; do
    writes plot $what a.flume plot $what
done
told_of plot -o # As an object; otherwise it is a note.
has_keys a.flume plot rate -o a.svg
writes dump "" a.flume dump
writes prove "" sealed.flume prove
writes prove R sealed.flume prove @1
writes prove --from sealed.flume prove --from "$sealed_end"
writes prove --check prove --check record.proof
writes prove "--check (of roots)" prove --check roots.proof
writes import "" new.flume import kept.ndjson --create
writes bench "" bench --records 1000 --memory
writes version "" version

writes seal "" a.flume seal --active
writes strata "" a.flume strata
writes strata -v a.flume strata -v

# A finding wants something to be found.
for file in kept.flume/log/*; do
    [ -f "$file" ] && printf 'xxxx' | dd of="$file" bs=1 seek=4200 conv=notrunc 2>/dev/null
done
writes check "" a.flume check
writes repair "" a.flume repair --dry-run

# subscribe writes what log writes, and without end.
expect_same "$(grep "^log$tab" told | cut -f 3)" "$(grep "^subscribe$tab" told | cut -f 3)" "subscribe"
echo "subscribe$tab" >>checked
cut -f 1,2 told | sort >wanted
sort -u checked >given
comm -23 wanted given >left
[ ! -s left ] || fail "nothing checks the columns of: $(tr '\n' ' ' <left)"
