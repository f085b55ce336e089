# The manual pages: all commands are there, and troff has nothing to say against them.
. "$(dirname "$0")/lib.sh"

expect 0 help commands
grep -oE '^  [a-z]+' out >commands
expect 0 help man
cp out flume.1
expect_out_has ".TH FLUME 1"
expect_out_has "flume\\-commands(7)"
expect 0 help man-commands
cp out flume-commands.7
expect_out_has ".TH FLUME\\-COMMANDS 7"
while read -r command; do
    grep -q "^\.SS \"$command " flume-commands.7 || fail "flume-commands(7) lacks $command"
    grep -q "^.fB$command.fR " flume.1 || fail "flume(1) lacks $command"
    # All that its help says of columns and codes, and each example.
    "$FLUME" help "$command" >help
    ! grep -q '^columns' help || sed -n "/^\.SS \"$command /,/^\.S[SH]/p" flume-commands.7 |
        grep -q '^Columns' || fail "$command: no columns"
    sed '1,/^for example:/d' help | wc -l >wanted
    sed -n "/^\.SS \"$command /,/^\.S[SH]/p" flume-commands.7 | sed -n '/^\.RS/,/^\.RE/p' |
        grep -vc '^\.' >given
    expect_same_files wanted given "examples of $command"
done <commands

if command -v groff >/dev/null; then
    for page in flume.1 flume-commands.7; do
        groff -man -Tutf8 -ww $page >page 2>warnings || fail "groff"
        [ ! -s warnings ] || fail "$page: troff warns: $(head -n 3 warnings)"
        # Dashes can be copied, and are no typographic ones.
        ! grep -q '‐[a-z]*=' page || fail "$page: an option has a hyphen"
    done
    sed 's/\x1b\[[0-9;]*m//g; s/.\x08//g' page >plain
    grep -q -- '--stale-ok' plain || fail "an option is not as it is typed"
else
    echo "left out: groff is not installed"
fi
if command -v man >/dev/null; then
    for page in flume.1 flume-commands.7; do
        LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" >page 2>warnings || fail "man $page"
        [ ! -s warnings ] || fail "man warns: $(head -n 3 warnings)"
    done
fi
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning flume.1 flume-commands.7 >warnings 2>&1 ||
        fail "mandoc: $(head -n 3 warnings)"
fi
