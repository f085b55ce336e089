# The scripts of `flume completion`: bash asks flume at a terminal of its own, zsh and fish where they
# are installed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

expect 2 completion
expect_err_has "needs an operand"
expect 2 completion tcsh
expect_err_has "bash, zsh, fish"
for shell in bash zsh fish; do
    expect 0 completion $shell
    expect_no_err
    cp out "script.$shell"
    # Nothing of the table of commands is repeated, so nothing of it can be outdated.
    for word in append export --json rebuild; do
        ! grep -q -e "$word" out || fail "the script for $shell knows $word"
    done
done

expect 0 a.flume init
for label in run/1 run/2 'my label' 'it'"'"'s' beef; do
    "$FLUME" a.flume append -l "$label" "of $label" >out 2>err || fail "append"
done
expect 0 a.flume mark crash run/1
expect 0 a.flume get run/1
expect 0 a.flume view add temp --json-path .temp
expect 1 a.flume find temp 3
mkdir folder
echo x >"a file"

# ---- zsh, fish ----

skipped=0
if command -v zsh >/dev/null; then
    zsh -n script.zsh || fail "zsh does not read its script"
else
    skipped=$((skipped + 1))
fi
if command -v fish >/dev/null; then
    fish --no-execute script.fish || fail "fish does not read its script"
    # shellcheck disable=SC2016 # fish is to see the dollar.
    PATH=$(dirname "$FLUME"):$PATH fish --no-config -c 'source script.fish
        complete -C "flume a.flume get run/"' >out || fail "fish does not complete"
    expect_out_has "run/1"
else
    skipped=$((skipped + 1))
fi
[ $skipped -eq 0 ] || echo "left out: $skipped of zsh, fish are not installed"

# ---- bash ----

command -v bash >/dev/null || { echo "skipped: no bash"; exit 77; }
bash -n script.bash || fail "bash does not read its script"
. "$here/screen.sh"

cat >rc <<END
PS1='% '
HISTFILE=
PATH=$(dirname "$FLUME"):\$PATH
source script.bash
show() { printf '<%s>' "\$@"; echo; }
bind 'set bell-style none'
END
screen_tmux new-session -d -x 100 -y 24 \
    "cd '$work' && HOME='$work' INPUTRC=/dev/null LC_ALL=C.UTF-8 bash --noprofile --rcfile rc -i" ||
    fail "tmux does not start"
screen_wait 5 '%'

# completes TYPED WORDS: Tab behind what was typed makes a line of these words.
completes() {
    screen_keys C-u C-l
    screen_type "$1"
    screen_keys Tab
    screen_type 'END'
    screen_keys C-a
    screen_type 'show '
    screen_keys Enter
    screen_wait 5 "$2"
}

completes "flume a.flume get run/2" '<flume><a.flume><get><run/2><END>'
completes "flume vi" '<flume><view><END>'
completes "flume a.flume view reb" '<flume><a.flume><view><rebuild><END>'
completes "flume a.flume log --si" '<flume><a.flume><log><--since><END>'
completes "flume a.flume get my" '<flume><a.flume><get><my label><END>'
completes "flume a.flume get 'my la" '<flume><a.flume><get><my label><END>'
completes "flume a.flume get \"my la" '<flume><a.flume><get><my label><END>'
completes "flume a.flume get it" "<flume><a.flume><get><it's><END>"
completes "flume a.flume get :c" '<flume><a.flume><get><:crash><END>'
completes "flume a.flume get mark:c" '<flume><a.flume><get><mark:crash><END>'
completes "flume a.flume log :c" '<flume><a.flume><log><:crash..END>'
completes "flume a.flume --mode=js" '<flume><a.flume><--mode=json'
completes "flume a.flume log --mode=cs" '<flume><a.flume><log><--mode=csv><END>'
completes "flume a.flume find te" '<flume><a.flume><find><temp><END>'
completes "flume a.fl" '<flume><a.flume/END>'
completes "flume a.flume append --file a\\ f" '<flume><a.flume><append><--file><a file><END>'
completes "flume a.flume append --file fol" '<flume><a.flume><append><--file><folder/END>'
completes "flume append -l x --db a.flume --file=fol" '<--file=folder/END>'
screen_keys C-u
screen_enter 'export FLUME_DB=a.flume'
completes "flume get label:be" '<flume><get><label:beef><END>'
completes "flume label all beef run/1 my" '<flume><label><all><beef><run/1><my label><END>'
