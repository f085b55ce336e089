# coverage.sh - which lines and branches the tests of log/, views/ and repl/ run. Sourced by tests/run.
#
# log/ stays at 100 % of its lines and 95 % of its branches. A line that no test can reach stands in
# tests/coverage.exceptions, below a comment with the reason, as
#
#     log/FILE.c FUNCTION: the line's text, without the blanks around it
#
# Such a line counts neither as a line nor with its branches. An exception that excuses nothing is a
# failure, so the list cannot grow old; but with "? " before it, it may: that line runs only if two
# threads meet where no test can hold one of them up. The build leaves assertions out: the way out of one that
# holds is no branch that a test could take.

coverage_branches_min=95

# Every line of the program's objects: file, function, line number, count, branches, branches taken.
# A header's line that several objects contain was run if any of them ran it.
coverage_lines() {
    find build/coverage/CMakeFiles/flume_objects.dir build/coverage/CMakeFiles/flume_views.dir \
        build/coverage/CMakeFiles/flume_repl.dir build/coverage/CMakeFiles/flume.dir -name '*.gcno' 2>/dev/null |
        while read -r notes; do
            gcov --json-format --stdout --branch-probabilities "$notes" 2>/dev/null
        done |
        jq -r --arg source "$PWD/" '
            .files[] | (.file | ltrimstr($source)) as $file
            | select($file | test("^(log|views|repl)/")) | .lines[]
            | [$file, (.function_name // "-"), .line_number, .count,
               ([.branches[] | select(.throw | not) | .count | tostring] | join(","))] | @tsv' |
        awk -F '\t' -v OFS='\t' '
            {
                key = $1 OFS $2 OFS $3
                count[key] += $4
                size = split($5, taken, ",")
                if (size > branches[key])
                    branches[key] = size
                for (i = 1; i <= size; i++)
                    way[key, i] += taken[i]
            }
            END {
                for (key in count) {
                    used = 0
                    for (i = 1; i <= branches[key]; i++)
                        used += way[key, i] > 0
                    print key, count[key], branches[key] + 0, used
                }
            }' |
        sort -t "$(printf '\t')" -k 1,1 -k 3,3n
}

# The same lines, with the text of each behind them.
coverage_with_text() {
    awk -F '\t' -v OFS='\t' '
        {
            if ($1 != file) {
                if (file != "") close(file)
                file = $1; number = 0
            }
            while (number < $3 && (getline text < file) > 0) number++
            gsub(/^[ \t]+|[ \t]+$/, "", text)
            print $0, text
        }'
}

# Totals per folder, missed lines of log/, exceptions that excuse nothing.
coverage_report() {
    awk -F '\t' -v exceptions=tests/coverage.exceptions -v minimum="$coverage_branches_min" '
        BEGIN {
            while ((getline line < exceptions) > 0) {
                if (line ~ /^[ \t]*(#|$)/)
                    continue
                is_chance = sub(/^\? /, "", line)
                excused[line] = 0
                if (is_chance)
                    chance[line] = 1
            }
        }
        {
            folder = $1; sub(/\/.*/, "", folder)
            key = $1 " " $2 ": " $7
            if (key in excused && ($4 == 0 || $5 > $6)) {
                excused[key]++
                left_out[folder]++
                next
            }
            lines[folder]++; lines_run[folder] += $4 > 0
            branches[folder] += $5; branches_run[folder] += $6
            if (folder == "log" && $4 == 0)
                missed[++missed_count] = $1 ":" $3 " " $2 ": " $7
            if (folder == "log" && $4 > 0 && $5 > $6)
                half[++half_count] = $1 ":" $3 " " $2 ": " $7 "  (" $6 " of " $5 ")"
        }
        function percent(part, whole) { return whole ? 100 * part / whole : 100 }
        END {
            for (i = 1; i <= half_count; i++)
                print "branch not taken: " half[i] > "build/logs/coverage-branches.txt"
            for (folder in lines) {
                printf "%-6s lines %6.2f %% (%d of %d), branches %6.2f %% (%d of %d), %d excused\n",
                    folder, percent(lines_run[folder], lines[folder]), lines_run[folder],
                    lines[folder], percent(branches_run[folder], branches[folder]),
                    branches_run[folder], branches[folder], left_out[folder]
            }
            for (i = 1; i <= missed_count; i++)
                print "not run: " missed[i]
            for (key in excused)
                if (excused[key] == 0 && !(key in chance)) {
                    print "excuses nothing: " key
                    stale++
                }
            low = percent(branches_run["log"], branches["log"]) < minimum
            if (low)
                print "branches of log/ below " minimum " %: build/logs/coverage-branches.txt"
            exit missed_count > 0 || stale > 0 || low || lines["log"] == 0
        }'
}

check_coverage() {
    build coverage || return
    find build/coverage -name '*.gcda' -delete
    run_tests coverage coverage -L '^(log|views|repl)$'
    coverage_lines | coverage_with_text >build/logs/coverage.tsv
    if coverage_report <build/logs/coverage.tsv >build/logs/coverage.txt; then
        count_pass coverage
    else
        count_fail coverage
    fi
    cat build/logs/coverage.txt
    note_seconds coverage "$(seconds_since "$started")"
}
