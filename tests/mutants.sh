# mutants.sh - the tests bite. Sourced by tests/run.
#
# Each tests/mutants/NAME.patch leaves out one thing that must not be left out, and says in its first
# lines which tests are to notice:
#
#     # tests: regular expression for ctest -R
#
# It is applied to a copy of the tree, built and tested; a mutant that every test lets pass has
# survived, which is a failure, as is a patch that no longer applies or does not compile.

mutants_tree=build/mutants/tree

# Bring the copy up to date. Only what differs is written, and gets a new time: so what the last run
# left behind, even one that was interrupted, is built anew, and nothing else is.
mutants_copy_tree() {
    mkdir -p "$mutants_tree"
    find CMakeLists.txt CMakePresets.json .clang-format README.md LICENSE include log views repl \
        tests bench -type f 2>/dev/null | sort >build/mutants/wanted
    (cd "$mutants_tree" && find . -path ./build -prune -o -type f -print | sed 's|^\./||' | sort) |
        comm -13 build/mutants/wanted - |
        while read -r file; do rm -f "$mutants_tree/$file"; done
    while read -r file; do
        ! cmp -s "$file" "$mutants_tree/$file" || continue
        mkdir -p "$(dirname "$mutants_tree/$file")"
        cp "$file" "$mutants_tree/$file"
    done <build/mutants/wanted
}

mutants_build() {
    (cd "$mutants_tree" && cmake --preset release -DFLUME_WERROR=OFF -DFLUME_TEST_TIMEOUT=120 &&
        cmake --build --preset release -j "$jobs") >"build/logs/mutant-$1.log" 2>&1
}

# mutants_test NAME REGEX: list what fails; "test: case" or "test", one a line.
mutants_test() {
    report=$PWD/build/logs/mutant-$1.xml
    rm -f "$report"
    ctest --test-dir "$mutants_tree/build/release" -R "$2" -j "$jobs" --stop-on-failure \
        --output-on-failure --output-junit "$report" --test-output-size-failed 10000000 \
        >>"build/logs/mutant-$1.log" 2>&1
    [ ! -s "$report" ] || list_results "$report" | sed -n 's/^failed //p'
}

# check_mutant PATCH
check_mutant() {
    mutant=$(basename "$1" .patch)
    tests=$(sed -n 's/^# tests: *//p' "$1" | head -n 1)
    if [ -z "$tests" ]; then
        count_fail "mutant $mutant: no line '# tests: REGEX'"
        return
    fi
    if ! patch -d "$mutants_tree" -p1 -s -f <"$1" >"build/logs/mutant-$mutant.log" 2>&1; then
        count_fail "mutant $mutant: the patch does not apply" "build/logs/mutant-$mutant.log"
        mutants_copy_tree # Parts of it may have been applied.
        return
    fi
    if mutants_build "$mutant"; then
        caught=$(mutants_test "$mutant" "$tests" | head -n 1)
        if [ -n "$caught" ]; then
            count_pass "mutant $mutant"
            printf '   %-40s %s\n' "$mutant" "$caught"
        else
            count_fail "mutant $mutant: survived $tests"
        fi
    else
        count_fail "mutant $mutant: does not compile" "build/logs/mutant-$mutant.log"
    fi
    mutants_copy_tree
}

# check_mutants PATTERN: those whose name contains it, or all.
check_mutants() {
    mutants_copy_tree
    if ! mutants_build none; then
        count_fail "the tree without a mutant does not build" build/logs/mutant-none.log
        return
    fi
    # A test that fails without a mutant would seem to catch every one.
    regexes=$(sed -sn '/^# tests: */{s///;p;q}' tests/mutants/*"$1"*.patch 2>/dev/null |
        sort -u | tr '\n' '|' | sed 's/|$//')
    if [ -z "$regexes" ]; then
        count_skip mutants "none named *$1*"
        return
    fi
    failing=$(mutants_test none "$regexes")
    if [ -n "$failing" ]; then
        count_fail "without a mutant: $failing" build/logs/mutant-none.log
        return
    fi
    for patch in tests/mutants/*"$1"*.patch; do
        check_mutant "$patch"
    done
    note_seconds mutants "$(seconds_since "$started")"
}
