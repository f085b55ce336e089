# A command line is taken apart by the rules of getopt_long, and what is wrong in it is shown with a
# caret, a cause and a remedy.
. "$(dirname "$0")/lib.sh"

# Carets stand under the word at fault.
expect 2 a.flume log @1..@x
expect_err_has "  log @1..@x"
expect_err_has "          ^~"
expect 2 a.flume get last~x
expect_err_has "           ^"
expect 2 a.flume append --kind 5 x
expect_err_has "^"
expect_err_has "64 to 255"

# Did you mean.
expect 2 a.flume lgo
expect_err_has "did you mean log?"
expect 2 a.flume appendd x
expect_err_has "did you mean append?"
expect 2 a.flume append --lable x y
expect_err_has "did you mean --label?"
expect 2 a.flume log --mode tabel
expect_err_has "did you mean table?"
expect 2 a.flume zzzzzz
grep -q "did you mean" err && fail "a suggestion for zzzzzz"
expect 2 help apend
expect_err_has "did you mean append?"

# An option of another command is named as such.
expect 2 a.flume append --grep x y
expect_err_has "it belongs to: log, tail"

# Forms of a command are words like any other; each has options of its own.
expect 2 a.flume label lsit
expect_err_has "did you mean list?"
expect_err_has "usage: flume [DB] label list"
expect 2 a.flume view status --table x
expect_err_has "it belongs to: view rows"
expect 2 a.flume view rows label a b
expect_err_has "usage: flume [DB] view rows NAME [PREFIX]"
expect 2 a.flume view rows
expect_err_has "view rows needs an operand"
expect 2 a.flume info --as-of 3
expect_err_has "it belongs to: "
expect 2 a.flume view frobnicate --json
expect_jq err '.code == 2 and .arg == "frobnicate"'

# Values.
for value in "" x -1 18446744073709551616 1.5 99999999999999999999999; do
    expect 2 a.flume log "--limit=$value"
done
for value in 20 2026-13-01 2026-02-30 25:00 yesterday "" 2026-01-01T25:00 5y; do
    expect 2 a.flume log --since "$value"
done
for value in "" x 10x 1T 99999999999G -5; do
    expect 2 a.flume init "--strata=$value"
done
expect 2 a.flume tail --idle abc
expect 2 a.flume append --codec nosuch x
expect 2 a.flume append --kind manifest x
expect 2 a.flume log --kind nosuch
expect 2 a.flume append -l "" x
expect 2 a.flume append -l "$(printf 'a\nb')" x
expect 2 a.flume append -l "$(printf 'a%0300d' 0)" x
expect 2 a.flume append -l "$(printf '\377')" x
expect 2 a.flume log --json=1
expect_err_has "takes no value"
expect 2 a.flume append -l
expect_err_has "a value is missing"
expect 2 a.flume get
expect_err_has "needs an operand"
expect 2 a.flume info more
expect 2 a.flume log 5
expect 2 a.flume get 1..2
expect 2 a.flume get @18446744073709551615
expect 2 a.flume get @
expect 2 a.flume get ..
expect 2 a.flume log last~..
expect 2 a.flume append
expect 2 a.flume append --each line x
expect 2 a.flume append --after last -
expect 2 a.flume tail -n 1 --from first
expect 2 a.flume info --db b.flume
expect 2 info
expect_err_has "no basin was named"
expect 2 check
expect 2 repair --yes

# Errors are objects with --json, wherever it stands.
for line in "--json a.flume lgo" "a.flume lgo -j" "a.flume append --lable --json"; do
    # shellcheck disable=SC2086 # Words.
    expect 2 $line
    expect_json err
    expect_jq err '.type == "error" and .code == 2 and .name == "usage"'
done
expect 2 a.flume get @1x --json
expect_jq err '.arg == "@1x" and .col == 5'
expect 2 a.flume lgo --json
expect_jq err '.suggest == ["log"]'

# Control bytes of the command line do not reach the terminal.
expect 2 a.flume "$(printf 'x\033[31m')"
grep -q "$(printf '\033')" err && fail "an escape sequence in an error"

# Options and operands mix; letters group; values attach or not; -- ends options.
expect 0 init m.flume
expect 0 append -l a --db m.flume one -lb --label=c two
expect 0 --json m.flume log -n1 --reverse
expect_jq out '.payload == "two" and .labels == ["a", "b", "c"]'
expect 0 m.flume append -- --json -x
expect 0 -jn 1 m.flume log --reverse
expect 0 m.flume log -jn 1 --reverse
expect_out_lines 1
expect 0 m.flume log -n 2 --mode raw --reverse
expect_out "-x
--json
"
expect 2 m.flume log --grep '('
expect_err_has "extended regular expression"
expect_err_has "^"

# FLUME_DB names the basin; a basin on the command line wins.
FLUME_DB=m.flume expect 0 log -n 1
FLUME_DB=missing.flume expect 0 m.flume log -n 1
FLUME_DB=missing.flume expect 7 log -n 1
FLUME_DB='' expect 2 log
