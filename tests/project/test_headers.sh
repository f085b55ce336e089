#!/bin/sh
# Each public header compiles alone, as C17 and as C++17, without a warning; and including all of
# them in one program is fine too.
set -u
: "${FLUME_SOURCE_DIR:?}" "${CC:=cc}" "${CXX:=c++}"
command -v "$CXX" >/dev/null || { echo "skipped: no C++ compiler ($CXX)"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

# compile COMPILER STANDARD FILE: report and count what does not compile.
compile() {
    "$1" "-std=$2" -Wall -Wextra -pedantic -Werror -I"$FLUME_SOURCE_DIR/include" \
        -fsyntax-only "$3" || { echo "$header: not clean as $2"; failures=$((failures + 1)); }
}

count=0
for path in "$FLUME_SOURCE_DIR"/include/flume/*.h; do
    header=flume/$(basename "$path")
    # Twice: the guard holds.
    printf '#include "%s"\n#include "%s"\nint main(void) { return 0; }\n' "$header" "$header" \
        >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cpp"
    compile "$CC" c17 "$work/alone.c"
    compile "$CXX" c++17 "$work/alone.cpp"
    grep -q "#include \"$header\"" "$FLUME_SOURCE_DIR/include/flume/flume.h" ||
        [ "$header" = flume/flume.h ] ||
        { echo "$header: not in flume.h"; failures=$((failures + 1)); }
    count=$((count + 1))
done

echo "$count headers, $failures failures"
[ "$count" -gt 0 ] && [ "$failures" -eq 0 ]
