# Help and version come from the table of commands.
. "$(dirname "$0")/lib.sh"

commands="init info append get log tail subscribe label find mark blob scope tape dup super sub graph batch view explain cache run check repair seal strata prove status stat top hist plot dump export import bench completion version help"

# ---- the overview: on one screen, with every command that is not hidden ----

expect 0 help
expect_no_err
cp out overview
[ "$(wc -l <overview)" -le 24 ] || fail "the overview does not fit 24 rows"
[ "$(awk 'length > 80' overview | wc -l)" -eq 0 ] || fail "the overview does not fit 80 columns"
for command in $commands; do
    grep -qwF -e "$command" overview || fail "the overview does not have $command"
done
for word in append get tail mark find; do
    sed -n '/^to begin:/,/^$/p' overview | grep -q " $word " ||
        sed -n '/^to begin:/,/^$/p' overview | grep -q " $word\$" || fail "to begin: no $word"
done
expect 0 --help
expect_same_files overview out
expect 0 -h
expect_same_files overview out

expect 0 help commands
for command in $commands; do
    grep -qE "^  $command  +[a-z]" out || fail "help commands does not have $command"
done
expect_same "$(echo "$commands" | wc -w)" "$(grep -c '^  ' out)" "commands that are listed"

# The hidden one is nowhere.
expect 2 __complet
! grep -q "mean __complete" err || fail "a hidden command is suggested"
for topic in "" commands options man man-commands; do
    # shellcheck disable=SC2086 # No topic is no word.
    expect 0 help $topic
    ! grep -q __complete out || fail "help $topic shows a hidden command"
done

# ---- each command ----

for command in $commands; do
    expect 0 help "$command"
    cp out by_help
    expect_out_has "for example:"
    sed '1,/^for example:/d' out >examples
    [ -s examples ] || fail "$command has no example"
    expect 0 "$command" --help
    expect_same_files by_help out "help $command and $command --help"
    [ "$(sed '/^for example:/,$d' out | awk 'length > 80' | wc -l)" -eq 0 ] ||
        fail "help $command does not fit 80 columns: $(awk 'length > 80' out | head -n 1)"
    expect 0 "$command" -h
    expect_out_has "usage: flume [DB] $command"
    [ "$(wc -l <out)" -le 40 ] || fail "$command -h is more than a screen"
done

# Every option is told in one line.
for topic in options $commands; do
    "$FLUME" help "$topic" | sed '/^for example:/,$d' |
        awk '/^  (-.|  )(, |  )--/ && length > 78' >long
    [ ! -s long ] || fail "$topic: $(cat long)"
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

# ---- topics ----

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
expect 0 help options
for option in --json --mode --timeout --quiet; do
    expect_out_has "$option"
done
expect 2 help nosuchtopic
for topic in $(sed -n '/^topics/,/^$/s/^topics//p' overview); do
    expect 0 help "$topic"
done

# ---- in the shell the same is said as it is typed there ----

expect 0 a.flume init
printf 'help\n' | "$FLUME" a.flume >out 2>err || fail "help as a line"
! grep -q 'flume demo.flume' out || fail "help in the shell names a basin"
expect_out_has "  append -l note 'first light'"
printf 'help get\nhelp export\nhelp json\n' | "$FLUME" a.flume >out 2>err || fail "help as a line"
expect_out_has "usage: get [OPTIONS] R..."
expect_out_has "  get last"
expect_out_has "  !flume old.flume export | flume new.flume import --create"
expect_out_has "  log --json | jq -r .payload"
! grep -q 'flume help' out || fail "help in the shell names the program"

# ---- version ----

expect 0 version
expect_out_has "format"
expect 0 --version
expect 0 version --json
expect_json out
expect_jq out '.type == "version" and .format == 1'
expect 0 help log --json
expect_json out
