#!/bin/sh
# An installed flume is usable: the examples of README compile and run against the shared library
# through pkg-config and through find_package, and against the static one; the installed tree may be
# moved; the shared library has its soname and exports flume's names only.
set -u
: "${FLUME_SOURCE_DIR:?}" "${FLUME_BUILD_DIR:?}" "${CC:=cc}"
for tool in cmake pkg-config readelf nm; do
    command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
example=$FLUME_SOURCE_DIR/tests/project/embed.c
failures=0
fail() { echo "failed: $*"; failures=$((failures + 1)); }

# run_example NAME PROGRAM: it prints the one record that it appends, twice over the same basin.
run_example() {
    mkdir -p "$work/run-$1"
    for round in first second; do
        if ! (cd "$work/run-$1" && timeout 30 "$2") >"$work/printed" 2>&1; then
            fail "$1: the $round run ends with an error: $(cat "$work/printed")"
        elif ! grep -qx '[0-9]*: 42 grains of sand' "$work/printed" ||
            [ "$(wc -l <"$work/printed")" -ne 1 ]; then
            fail "$1: the $round run prints: $(cat "$work/printed")"
        fi
    done
}

# find_package_example TARGET
find_package_example() {
    mkdir -p "$work/$1"
    cp "$example" "$work/$1/embed.c"
    cat >"$work/$1/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(embed C)
find_package(flume 0.1 REQUIRED)
add_executable(embed embed.c)
target_link_libraries(embed PRIVATE flume::$1)
END
    if cmake -S "$work/$1" -B "$work/$1/build" -DCMAKE_C_COMPILER="$CC" \
        -DCMAKE_PREFIX_PATH="$prefix" >"$work/output" 2>&1 &&
        cmake --build "$work/$1/build" >>"$work/output" 2>&1; then
        run_example "find_package-$1" "$work/$1/build/embed"
    else
        fail "find_package, flume::$1: $(tail -n 20 "$work/output")"
    fi
}

cmake --install "$FLUME_BUILD_DIR" --prefix "$work/first" >"$work/output" 2>&1 ||
    { cat "$work/output"; exit 1; }
prefix=$work/prefix
mv "$work/first" "$prefix"

library=$(find "$prefix" -name libflume.so)
directory=$(dirname "$library")
PKG_CONFIG_PATH=$directory/pkgconfig
export PKG_CONFIG_PATH
unset LD_LIBRARY_PATH

# What is installed.
for path in bin/flume share/man/man1/flume.1 share/man/man7/flume-commands.7 \
    include/flume/flume.h \
    share/bash-completion/completions/flume share/zsh/site-functions/_flume \
    share/fish/vendor_completions.d/flume.fish; do
    [ -s "$prefix/$path" ] || fail "$path is not installed"
done
[ -e "$directory/libflume.a" ] || fail "libflume.a is not installed"
[ "$(pkg-config --modversion flume)" = "$("$prefix/bin/flume" version 2>/dev/null |
    grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)" ] ||
    fail "flume.pc and 'flume version' name different versions"

# The shared library's name and names.
readelf -d "$library" | grep -q 'SONAME.*\[libflume\.so\.0\]' || fail "the soname is not libflume.so.0"
nm -D --defined-only "$library" | awk '{print $NF}' | grep -v '^FLUME_0\.1$' |
    sed 's/@@FLUME_0\.1$//' | sort >"$work/exported"
others=$(grep -v '^flume_' "$work/exported" | tr '\n' ' ')
[ -z "$others" ] || fail "the shared library exports $others"
# Every function that the headers declare is there.
sed -nE 's/.*FLUME_API .*[ *](flume_[a-z0-9_]+)\(.*/\1/p' "$prefix"/include/flume/*.h |
    sort >"$work/declared"
missing=$(comm -13 "$work/exported" "$work/declared" | tr '\n' ' ')
[ -z "$missing" ] || fail "declared in a header but not exported: $missing"
undeclared=$(comm -23 "$work/exported" "$work/declared" | tr '\n' ' ')
[ -z "$undeclared" ] || fail "exported but declared in no header: $undeclared"
# No path of the machine that built it.
grep -qF "$FLUME_SOURCE_DIR" "$library" && fail "the library contains its source directory's path"

# shellcheck disable=SC2046 # The flags are words.
if "$CC" -std=c17 -Wall -Wextra -pedantic -Werror "$example" -o "$work/embed" \
    $(pkg-config --cflags --libs flume) -Wl,-rpath,"$directory"; then
    run_example pkg-config "$work/embed"
else
    fail "the example does not compile with pkg-config"
fi
# shellcheck disable=SC2046
if "$CC" -std=c17 "$example" -o "$work/embed-static" $(pkg-config --cflags flume) \
    "$directory/libflume.a" $(pkg-config --libs --static flume | tr ' ' '\n' |
        grep -vx -e -lflume); then
    run_example pkg-config-static "$work/embed-static"
else
    fail "the example does not compile with the static library"
fi
find_package_example flume
find_package_example flume_static

# The view of one's own counts what each day has, over the runs.
by_day=$FLUME_SOURCE_DIR/tests/project/view_by_day.c
# shellcheck disable=SC2046
if "$CC" -std=c17 -Wall -Wextra -pedantic -Werror "$by_day" -o "$work/by_day" \
    $(pkg-config --cflags --libs flume) -Wl,-rpath,"$directory"; then
    mkdir -p "$work/run-by-day"
    for round in 1 2 3; do
        (cd "$work/run-by-day" && timeout 30 "$work/by_day") >"$work/printed" 2>&1 &&
            ! grep -qvE '^[0-9]{4}-[0-9]{2}-[0-9]{2}: [0-9]+$' "$work/printed" &&
            [ "$(awk '{ sum += $2 } END { print sum }' "$work/printed")" = "$round" ] ||
            fail "view_by_day: run $round prints: $(cat "$work/printed")"
    done
else
    fail "view_by_day.c does not compile with pkg-config"
fi

# The simulation computes what is missing: after it died, again, with a parameter more whose default
# changes nothing, with one that does, and again.
pendulum=$FLUME_SOURCE_DIR/tests/project/pendulum.c
# shellcheck disable=SC2046
if "$CC" -std=c17 -Wall -Wextra -pedantic -Werror "$pendulum" -o "$work/pendulum" \
    $(pkg-config --cflags --libs flume) -Wl,-rpath,"$directory" -lm; then
    if (PENDULUM_RUNS=17 timeout 60 "$work/pendulum" "$work/pendulum.flume") >/dev/null 2>&1; then
        fail "pendulum: did not die after 17"
    fi
    # A drag of 0 is its declared default; of another one each run extends the one without.
    for round in "-:43 computed, 17 recalled; 0 extend an earlier one, 0 with another result" \
        "-:0 computed, 60 recalled; 0 extend an earlier one, 0 with another result" \
        "0:0 computed, 60 recalled; 0 extend an earlier one, 0 with another result" \
        "0.05:60 computed, 0 recalled; 60 extend an earlier one, 2 with another result" \
        "0.05:0 computed, 60 recalled; 0 extend an earlier one, 0 with another result" \
        "-:0 computed, 60 recalled; 0 extend an earlier one, 0 with another result"; do
        argument=${round%%:*}
        [ "$argument" != - ] || argument=
        # shellcheck disable=SC2086
        timeout 60 "$work/pendulum" "$work/pendulum.flume" $argument >"$work/printed" 2>&1 &&
            [ "$(cat "$work/printed")" = "${round#*:}" ] ||
            fail "pendulum: wanted $round, printed: $(cat "$work/printed")"
    done
else
    fail "pendulum.c does not compile with pkg-config"
fi

# The commit that a program was built from is looked up at each build.
stamp=$work/stamp
stamped() {
    cmake --build "$stamp/build" >"$work/output" 2>&1 || fail "stamp: $(tail -n 20 "$work/output")"
    [ "$("$stamp/build/stamped")" = "$1" ] ||
        fail "stamp, $2: wanted '$1', printed '$("$stamp/build/stamped")'"
}
stamp_git() {
    git -C "$stamp" -c user.name=a -c user.email=a@b -c init.defaultBranch=main "$@" >/dev/null 2>&1
}
mkdir -p "$stamp"
cat >"$stamp/stamped.c" <<END
#include <flume/flume.h>
#include <stdio.h>
#include "flume_git.h"

int main(void)
{
    flume_recorder_options options = {.git_commit = FLUME_GIT_COMMIT, .git_dirty = FLUME_GIT_DIRTY};

    printf("%s %d\n", options.git_commit, options.git_dirty);
    return 0;
}
END
cat >"$stamp/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(stamp C)
find_package(flume 0.1 REQUIRED)
add_executable(stamped stamped.c)
target_link_libraries(stamped PRIVATE flume::flume)
flume_stamp_git(stamped)
END
# Whatever repository lies around this directory is not meant.
GIT_CEILING_DIRECTORIES=$work
export GIT_CEILING_DIRECTORIES
if cmake -S "$stamp" -B "$stamp/build" -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$prefix" \
    >"$work/output" 2>&1; then
    stamped " 0" "no repository"
    made=$(stat -c %Y.%i "$stamp/build/flume_git/stamped/flume_git.h")
    if command -v git >/dev/null; then
        echo build >"$stamp/.gitignore"
        stamp_git init && stamp_git add . && stamp_git commit -m one
        one=$(git -C "$stamp" rev-parse HEAD)
        [ "${#one}" -ge 40 ] || fail "stamp: git makes no commit"
        stamped "$one 0" "a commit"
        echo '/* More. */' >>"$stamp/stamped.c"
        stamped "$one 1" "a change"
        touch "$stamp/untracked"
        stamp_git commit -am two
        stamped "$(git -C "$stamp" rev-parse HEAD) 0" "another commit, and a file that is not tracked"
        made=$(stat -c %Y.%i "$stamp/build/flume_git/stamped/flume_git.h")
    fi
    before=$(stat -c %y "$stamp/build/stamped")
    stamped "$("$stamp/build/stamped")" "nothing changed"
    [ "$(stat -c %y "$stamp/build/stamped")" = "$before" ] &&
        [ "$(stat -c %Y.%i "$stamp/build/flume_git/stamped/flume_git.h")" = "$made" ] ||
        fail "stamp: built again though nothing changed"
    mv "$stamp/.git" "$stamp/gone" 2>/dev/null
    stamped " 0" "the repository is gone"
else
    fail "flume_stamp_git: $(tail -n 20 "$work/output")"
fi

# README shows these very examples: the first code block behind the marker of each.
for name in embed view_by_day pendulum; do
    awk -v marker="<!-- $name -->" '$0 == marker { marked = 1; next }
         marked && /^```/ { if (inside) exit; inside = 1; next }
         inside' "$FLUME_SOURCE_DIR/README.md" >"$work/shown" 2>/dev/null
    cmp -s "$work/shown" "$FLUME_SOURCE_DIR/tests/project/$name.c" ||
        fail "the code block behind <!-- $name --> in README.md is not tests/project/$name.c"
done

echo "$(wc -l <"$work/exported") names exported, $failures failures"
[ "$failures" -eq 0 ]
