# The tests that the tables of what flume is held to name (tests/views/*.md) are there, and run.
set -u
root=${FLUME_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$root" || exit 1

# "FILE NAME" of each test in a row's cells: a file counts for the names behind it.
named() {
    grep -h '^|' "$1" | awk -F'`' '{
        file = ""
        for (i = 2; i <= NF; i += 2)
            if ($i ~ /^test_[a-z0-9_]+\.(c|sh)$/) {
                file = $i
                print file, "-"
            } else if (file != "" && $i ~ /^[a-z0-9]+(_[a-z0-9]+)(_[a-z0-9]+)+$/)
                print file, $i
    }'
}

failed=0 count=0
list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT
for table in tests/views/*.md; do
    named "$table" | sort -u >"$list"
    while read -r file name; do
        count=$((count + 1))
        path=$(ls tests/*/"$file" 2>/dev/null | head -n 1)
        if [ -z "$path" ]; then
            echo "$table names $file, which is not there"
            failed=1
        elif [ "$name" != - ] && ! grep -qE "_test(_setup)?(_teardown)?\($name[,)]" "$path"; then
            echo "$table names $name, which $file does not run"
            failed=1
        fi
    done <"$list"
done
echo "$count tests named"
[ "$count" -ge 60 ] || failed=1
exit $failed
