# get and log: references, ranges, filters, modes.
. "$(dirname "$0")/lib.sh"

expect 0 a.flume init
expect 7 missing.flume log
expect 0 a.flume log
expect_no_out
expect 1 a.flume get last
expect_err_has "the log is empty"

# Ten records, r0 .. r9: even ones labelled even, each third one three.
i=0
while [ $i -lt 10 ]; do
    labels=
    [ $((i % 2)) -eq 0 ] && labels="-l even"
    [ $((i % 3)) -eq 0 ] && labels="$labels -l three"
    # shellcheck disable=SC2086 # Words.
    expect 0 a.flume append $labels --time "2026-11-20T00:00:0$i" "r$i"
    i=$((i + 1))
done
raw() {
    run a.flume log --mode raw "$@"
    tr '\n' ' ' <out
}
first=$("$FLUME" a.flume get first --json | jq .seq)

# References.
expect_same r0 "$("$FLUME" a.flume get first)"
expect_same r9 "$("$FLUME" a.flume get last)"
expect_same r7 "$("$FLUME" a.flume get last~2)"
expect_same r0 "$("$FLUME" a.flume get "@$first")"
expect_same r0 "$("$FLUME" a.flume get "$first")"
expect_same r0r9 "$("$FLUME" a.flume get first last)"
expect_same "r0
r9" "$("$FLUME" a.flume get first last -D '
')"
expect 1 a.flume get last~10000
expect_err_has "no record last~10000"
expect 1 a.flume get @1000000
expect_err_has "the last record is @"
expect_err_has "^~"
expect 1 a.flume get @1000000 --json
expect_json err
expect_jq err '.code == 1 and .name == "not_found" and .arg == "@1000000"'
expect 3 a.flume get first @1000000 last
expect_out "r0r9"
expect 1 a.flume get @1000000 @1000001

# Ranges: up to, not including; open ends.
expect_same "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 " "$(raw)"
expect_same "r0 r1 " "$(raw first..last~7)"
expect_same "r8 r9 " "$(raw last~1..)"
expect_same "r0 " "$(raw ..last~8)"
expect_same "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 " "$(raw ..)"
expect_same "" "$(raw last..first)"
expect_same "" "$(raw @5000..@6000)"

# Filters.
expect_same "r0 r2 r4 r6 r8 " "$(raw -l even)"
expect_same "r0 r2 r3 r4 r6 r8 r9 " "$(raw -l even -l three)"
expect_same "r3 r4 " "$(raw --since 2026-11-20T00:00:03Z --until 2026-11-20T00:00:05)"
expect_same "r0 r1 " "$(raw --until 2026-11-20T00:00:02+00:00)"
expect_same "r2 r7 " "$(raw --grep '^r[27]$')"
expect_same "r4 r6 " "$(raw --grep '[3-6]' -l even -l nothing last~5..)"
expect_same "r0 r1 r2 " "$(raw -n 3)"
expect_same "r9 r8 " "$(raw -n 2 --reverse)"
expect_same "r8 r6 " "$(raw -n 2 --reverse -l even)"
expect_same "" "$(raw -n 0)"
expect 0 a.flume append --kind 99 odd
expect_same "odd " "$(raw --kind 99)"
expect_same "odd r9 " "$(raw --kind 99 --kind message --reverse -n 2)"
expect_same "odd " "$(raw --since 1h)"

# A search that finds nothing says so by its code.
expect 1 a.flume log -l nothing
expect_no_out
expect_no_err
expect 0 a.flume log -l nothing --no-fail-empty
expect 1 a.flume log --since 2100-01-01
expect 1 a.flume log --until @1

# Manifests only when asked for.
expect 0 a.flume log --json
expect_json out
[ "$(jq -r .kind out | grep -c manifest)" -eq 0 ] || fail "manifests in log"
expect 0 a.flume log --kind manifest --json
expect_jq out '.kind == "manifest" and .seq == 0'

# Modes.
expect 0 m.flume init
printf 'tab\there\nnewline\033[31m\000\\ \303\251' | expect 0 m.flume append -l "l" -
expect 0 m.flume log --mode plain
expect_out_lines 1
expect_same 'tab\there\nnewline\x1b[31m\x00\\ é' "$(cut -f 7 out)" "control bytes in plain mode"
expect_same "l message text 26" "$(cut -f 3-6 out | tr "\t" " ")"
expect 0 m.flume log --mode line
expect_out_has 'labels   l'
grep -q "$(printf '\033')" out && fail "an escape sequence in line mode"
expect 0 m.flume log --mode table
expect_out_lines 2
grep -q "$(printf '\033')" out && fail "an escape sequence in table mode"
expect 0 m.flume log --mode hex
expect_out_has '00000000  74 61 62 09 68 65 72 65  0a 6e 65 77 6c 69 6e 65  |tab.here.newline|'
expect 0 m.flume log --mode raw -D ''
expect_same 26 "$(wc -c <out)"
expect 0 m.flume log --mode raw -0
expect_same 27 "$(wc -c <out)"
expect 0 m.flume log --json
expect_json out
expect_jq out '.payload == "tab\there\nnewline\u001b[31m\u0000\\ é" and .bytes == 26'
expect 0 m.flume get last --meta
expect_out_lines 1
expect 0 m.flume get last --mode hex
expect_out_has 00000000

# JSON bodies of many lines stay on one line; a codec that lies is shown as text.
printf '{\n "a":\r\n 1}' | expect 0 m.flume append --codec json -
expect 0 m.flume get last --json
expect_json out
expect_jq out '.payload == {"a": 1} and .enc == "json"'
# Big numbers come through as they are written.
expect 0 m.flume append --codec json 123456789012345678901234567890
expect 0 m.flume get last --json
expect_out_has '"payload":123456789012345678901234567890'

# Into a file.
expect 0 m.flume get last -o body
expect_no_out
expect_same 123456789012345678901234567890 "$(cat body)"
cp body kept
expect 0 m.flume get last -o -
expect_same_files kept out
expect 1 m.flume get @1000000 -o body
expect_same 123456789012345678901234567890 "$(cat body)" "a failed get leaves the file"
expect 6 m.flume get last -o /nonexistent/body
expect 0 m.flume get last -o /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
expect_same "" "$(find . -name '*.tmp')" "temporary files left"

# Colour only when asked for, off a terminal.
expect 0 m.flume log --mode table --color always
grep -q "$(printf '\033')" out || fail "no colour with --color always"
