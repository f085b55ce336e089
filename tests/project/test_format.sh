#!/bin/sh
# Every C file is laid out as .clang-format says.
#
# One thing is left to the author: where a comment behind code begins. clang-format pulls such
# comments together within a block; a table often reads better with its own column. So runs of
# blanks in front of a trailing comment are made equal before the comparison.
#
# Versions of clang-format disagree in details: 14 (Debian 12) is the one that counts.
set -u
: "${FLUME_SOURCE_DIR:?}"
tool=
for name in clang-format-14 clang-format; do
    command -v "$name" >/dev/null && "$name" --version | grep -q 'version 14\.' && tool=$name && break
done
[ -n "$tool" ] || { echo "skipped: no clang-format 14"; exit 77; }
cd "$FLUME_SOURCE_DIR" || exit 1

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

even_out() { sed 's|\([^ ]\)  *\(/\*\)|\1 \2|'; }

for folder in include/flume log views repl tests bench; do
    [ -d "$folder" ] || continue
    find "$folder" -name '*.[ch]'
done | sort >"$work/list"
files=$(wc -l <"$work/list")

# One run over all tells the few that deserve a closer look.
xargs "$tool" --style=file --dry-run --ferror-limit=0 <"$work/list" 2>"$work/told" ||
    { cat "$work/told"; exit 1; }
sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: .*/\1/p' "$work/told" | sort -u >"$work/suspects"

failures=0
while read -r file; do
    "$tool" --style=file "$file" >"$work/formatted" || { failures=$((failures + 1)); continue; }
    even_out <"$file" >"$work/as_is"
    even_out <"$work/formatted" >"$work/as_should"
    cmp -s "$work/as_is" "$work/as_should" && continue
    failures=$((failures + 1))
    echo "$file: try $tool -i $file"
    diff "$work/as_is" "$work/as_should" | head -n 12
done <"$work/suspects"

echo "$files files, $failures not formatted"
[ "$failures" -eq 0 ]
