# Help, version and the manual page come from the table of commands.
. "$(dirname "$0")/lib.sh"

commands="init info append get log tail label find mark view explain check repair stat export import bench version help"
expect 0 help
for command in $commands; do
    expect_out_has "  $command "
done
expect_no_err
expect 0 --help
expect_out_has "usage: flume"
expect 0 -h

for command in $commands; do
    expect 0 help "$command"
    cp out by_help
    expect_out_has "for example:"
    examples=$(sed -n '/^for example:/,$p' out | grep -c '^  ')
    [ "$examples" -ge 2 ] || fail "$command has fewer than two examples"
    expect 0 "$command" --help
    expect_same_files by_help out "help $command and $command --help"
    expect 0 "$command" -h
    expect_out_has "usage: flume [DB] $command"
    [ "$(wc -l <out)" -le 40 ] || fail "$command -h is more than a screen"
done

# Each option that a help text shows is one that the parser knows.
for command in $commands; do
    "$FLUME" help "$command" | sed -n '/^usage/,/^for example/p' |
        grep -oE '^ +(-.,)? *--[a-z-]+' | grep -oE '\-\-[a-z-]+' | sort -u >options
    while read -r option; do
        "$FLUME" "$command" "$option" --no-such-option >out 2>err
        # Of a command with forms, another form may be the one that has it.
        grep -q "has no option $option" err && ! grep -q "belongs to:.* $command " err &&
            fail "$command shows $option and refuses it"
    done <options
done

expect 0 help refs
expect_out_has "last~2"
expect_out_has "run/1~2"
expect_out_has "label:beef~1"
expect 0 help views
for word in --timeout --as-of --stale-ok --load "code not here" "flume_views[]"; do
    expect_out_has "$word"
done
expect 0 help bookmark
expect_out_has "usage: flume [DB] mark list"
expect 0 help exit-codes
for code_number in 0 1 2 3 4 5 6 7 8 9 10 70 130 141; do
    grep -qE "^ +$code_number  " out || fail "exit code $code_number is not listed"
done
expect 0 help json
expect 2 help nosuchtopic

expect 0 help man
expect_out_has ".TH FLUME 1"
for command in $commands; do
    expect_out_has ".SS $command"
done
if command -v man >/dev/null && command -v groff >/dev/null; then
    groff -man -Tutf8 -ww out >/dev/null 2>warnings || fail "groff"
    [ ! -s warnings ] || fail "troff warns: $(head -n 3 warnings)"
fi

expect 0 version
expect_out_has "format"
expect 0 --version
expect 0 version --json
expect_json out
expect_jq out '.type == "version" and .format == 1'
expect 0 help log --json
expect_json out
