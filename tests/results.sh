# results.sh - what passed, failed and was skipped, counted in files under build/results, and told.
# Sourced by tests/run.

results=build/results

seconds_since() { echo $(($(date +%s) - $1)); }

begin_results() {
    rm -rf "$results"
    mkdir -p "$results"
    for kind in passed failed skipped seconds; do : >"$results/$kind"; done
}

count_pass() { echo "$1" >>"$results/passed"; }

# count_skip NAME REASON
count_skip() {
    echo "$1: $2" >>"$results/skipped"
    echo "   skipped $1: $2"
}

# count_fail NAME [LOG]: its last lines are shown.
count_fail() {
    echo "$1" >>"$results/failed"
    echo "   FAILED $1"
    [ $# -lt 2 ] || tail -n 200 "$2" | sed 's/^/   | /'
}

note_seconds() { printf '%-12s %5d s\n' "$1" "$2" | tee -a "$results/seconds"; }

# A report of ctest as lines of "status name", status being passed, failed or skipped, one a case;
# behind a skipped one stands the reason. cmocka's own lines say how many cases a program has.
list_results() {
    awk '
    function attribute(name) {
        if (!match($0, " " name "=\"[^\"]*\""))
            return ""
        return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
    }
    function plain(text) {
        gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text)
        gsub(/&apos;/, "\047", text); gsub(/&amp;/, "\\&", text)
        return text
    }
    /<testcase / {
        test = attribute("name"); status = attribute("status"); cases = 0; bad = 0
        reason = ""; delete left_out; left = 0
    }
    { sub(/.*<system-out>/, "") }
    /^\[       OK \] / { cases++ }
    /^\[  FAILED  \] / && !/listed below/ { failing[plain(substr($0, 14))] = 1 }
    /^\[  SKIPPED \] / && !/listed below/ && !((plain(substr($0, 14))) in left_out) {
        left_out[plain(substr($0, 14))] = reason; left++
    }
    /[Ss][Kk][Ii][Pp]/ && !/^\[|^[ \t]*</ {
        reason = plain($0); sub(/^[^:]*[Ss][Kk][Ii][Pp][A-Za-z]*: */, "", reason)
    }
    /<\/testcase>/ {
        for (i = 0; i < cases; i++)
            print "passed " test
        if (status == "run" && cases + left == 0)
            print "passed " test
        if (status == "notrun" || status == "disabled")
            print "skipped " test ": " (reason == "" ? "no reason given" : reason)
        for (one in left_out)
            print "skipped " test " " one ": " (left_out[one] == "" ? "no reason given" : left_out[one])
        if (status == "fail") {
            for (one in failing) { print "failed " test ": " one; bad++ }
            if (bad == 0)
                print "failed " test
        }
        delete failing
    }' "$1"
}

# count_results GROUP REPORT LOG: every case of a report of ctest. On a failure its log is shown.
count_results() {
    if [ ! -s "$2" ] || ! grep -q '<testcase ' "$2"; then
        if grep -q 'No tests were found' "$3"; then
            count_skip "$1" "no tests"
        else
            count_fail "$1" "$3"
        fi
        return
    fi
    list_results "$2" >"$results/$1"
    [ -s "$results/$1" ] || echo "failed cannot read $2" >"$results/$1"
    for kind in passed failed skipped; do
        sed -n "s|^$kind |$1 |p" "$results/$1" >>"$results/$kind"
    done
    echo "   $(grep -c '^passed' "$results/$1") passed," \
        "$(grep -c '^failed' "$results/$1") failed, $(grep -c '^skipped' "$results/$1") skipped"
    sed -n 's/^skipped /   skipped /p; s/^failed /   FAILED /p' "$results/$1"
    ! grep -q '^failed' "$results/$1" || tail -n 400 "$3" | sed 's/^/   | /'
}

# The closing lines; ends the shell.
end_results() {
    echo
    cat "$results/seconds"
    if [ -s "$results/skipped" ]; then
        echo "Skipped:"
        sed 's/^/  /' "$results/skipped"
    fi
    if [ -s "$results/failed" ]; then
        echo "Failed:"
        sed 's/^/  /' "$results/failed"
    fi
    echo "$(wc -l <"$results/passed") passed, $(wc -l <"$results/failed") failed," \
        "$(wc -l <"$results/skipped") skipped"
    [ ! -s "$results/failed" ]
    exit
}
