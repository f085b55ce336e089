#!/bin/sh
# Every error that the program reports in words of its own is a message of the catalogue
# (repl/output/errors.h), which `flume help errors` lists.
set -u
: "${FLUME_SOURCE_DIR:?}"
cd "$FLUME_SOURCE_DIR/repl" || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/flume-test-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# Each macro is in the table, and somebody reports it.
sed -n 's/^#define \(ERROR_[A-Z_]*\).*/\1/p' output/errors.h | grep -v '^ERROR_REFERENCE_REMEDY$' |
    sort >"$work/macros"
grep -o '{{ERROR_[A-Z_]*}' output/errors.c | tr -d '{}' | sort >"$work/rows"
if ! diff "$work/macros" "$work/rows"; then
    echo "macros of errors.h (<) and rows of errors.c (>) differ"
    exit 1
fi
while read -r macro; do
    grep -rqw "$macro" . --include=*.c --exclude=errors.c || { echo "nobody reports $macro"; exit 1; }
done <"$work/macros"

# Nobody reports anything else. A call may go over several lines, so they are joined.
find . -name '*.c' ! -name report.c -exec cat {} + | tr '\n' ' ' |
    grep -oE '[^a-z_]report(_at|_with)?\([^;]*;' | grep -v 'ERROR_[A-Z]' >"$work/bypass"
if [ -s "$work/bypass" ]; then
    cat "$work/bypass"
    echo "not of the catalogue"
    exit 1
fi
echo "$(wc -l <"$work/macros") messages"
