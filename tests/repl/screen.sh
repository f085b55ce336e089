# screen.sh - a terminal of its own for the program, in tmux: keys are typed, screens are looked at.
# Sourced behind lib.sh. A test without tmux is skipped.
#
#     screen_start 80 24 a.flume      # `flume a.flume` on a terminal of 80 columns and 24 rows
#     screen_type 'append hello'      # characters
#     screen_keys Enter               # keys by tmux's names: Enter, Tab, C-c, C-d, Up, BSpace
#     screen_wait 5 '@1'              # until this text is somewhere on the screen
#
# What always holds: the program's files are under $work; nobody's settings are read. When the program
# ends, "ended with CODE" is on the screen. Variables: $screen, the file of the last look: a row a
# line, without the blanks at its end.

command -v tmux >/dev/null || { echo "skipped: no tmux"; exit 77; }
screen=$work/.lib/screen
screen_socket=$work/.lib/tmux
screen_count=0

screen_tmux() {
    tmux -S "$screen_socket" -f /dev/null "$@"
}

screen_finish() {
    lib_status=$?
    screen_left=
    [ -z "$screen_socket" ] || screen_left=$(screen_pid 2>/dev/null)
    [ -z "$screen_socket" ] || screen_tmux kill-server 2>/dev/null
    # It ends by that, but not at once; until then it may write where its files are taken away.
    for screen_try in 1 2 3 4 5 6 7 8 9 10; do
        [ -n "$screen_left" ] && kill -0 "$screen_left" 2>/dev/null || break
        sleep 0.05
    done
    (exit $lib_status)
    lib_finish
}
trap screen_finish EXIT

# screen_start COLUMNS ROWS WORD...: run the program with these words. What FLUME_HISTORY,
# FLUME_PAGER, NO_COLOR and FLUME_HINTS are is handed on; without FLUME_PAGER there is no pager.
screen_start() {
    : "${FLUME_PAGER=}"
    screen_size="-x $1 -y $2"
    lib_command="(screen) flume"
    shift 2
    {
        echo "cd '$work'"
        echo 'trap : INT' # Ctrl-C is for the program; the shell goes on.
        echo "export HOME='$work' XDG_STATE_HOME='$work/.lib/state' LC_ALL=C.UTF-8"
        echo "export XDG_CONFIG_HOME='$work/.lib/config'"
        for screen_name in FLUME_HISTORY FLUME_PAGER NO_COLOR FLUME_HINTS; do
            eval "[ -n \"\${$screen_name+set}\" ]" &&
                eval "echo \"export $screen_name='\$$screen_name'\""
        done
        printf "'%s'" "$FLUME"
        for screen_word in "$@"; do
            printf " '%s'" "$(printf '%s' "$screen_word" | sed "s/'/'\\\\''/g")"
            lib_command="$lib_command $screen_word"
        done
        printf '\necho "ended with $?"\nsleep 1000\n'
    } >"$work/.lib/screen.sh"
    [ -z "$screen_socket" ] || screen_tmux kill-server 2>/dev/null
    # Another server: the one before may still be ending.
    screen_count=$((screen_count + 1))
    screen_socket=$work/.lib/tmux$screen_count
    # shellcheck disable=SC2086 # The size is four words.
    screen_tmux new-session -d $screen_size "sh '$work/.lib/screen.sh'" || fail "tmux does not start"
}

# Characters as they are; screen_keys for the others.
screen_type() {
    screen_tmux send-keys -l -- "$1"
}

screen_keys() {
    screen_tmux send-keys "$@"
}

# A line and Enter.
screen_enter() {
    screen_type "$1"
    screen_keys Enter
}

# A line and Enter, until Enter has been read: what is typed next is no longer for the line.
screen_run() {
    screen_type "$1"
    screen_wait 5 "$1"
    screen_keys Enter
    wait_until 5 screen_at_margin
}

screen_at_margin() {
    [ "$(screen_tmux display-message -p '#{cursor_x}')" -eq 0 ]
}

# screen_paste FILE [plain]: what a terminal sends when a file's bytes are pasted: between marks, if
# the program has asked for them; plain: as if it had been typed.
screen_paste() {
    screen_tmux load-buffer "$1" || fail "tmux takes no $1"
    if [ "${2:-}" = plain ]; then
        screen_tmux paste-buffer -r
    else
        screen_tmux paste-buffer -r -p
    fi
}

# What is on the screen now, into $screen. With a number: that many rows of what has scrolled away
# too.
screen_look() {
    screen_tmux capture-pane -p -S "-${1:-0}" >"$screen"
}

screen_fail() {
    cp "$screen" "$work/out"
    fail "$@"
}

screen_has() {
    screen_look
    grep -qF -e "$1" "$screen" || screen_fail "the screen does not have: $1"
}

screen_has_not() {
    screen_look
    ! grep -qF -e "$1" "$screen" || screen_fail "the screen has: $1"
}

# screen_wait SECONDS TEXT: until it is on the screen.
screen_wait() {
    screen_tries=$(($1 * lib_patience))
    while screen_look; ! grep -qF -e "$2" "$screen"; do
        screen_tries=$((screen_tries - 1))
        [ $screen_tries -gt 0 ] || screen_fail "not on the screen in $1 s: $2"
        sleep 0.03
    done
}

# screen_wait_row SECONDS REGEX: until a row matches this extended regular expression.
screen_wait_row() {
    screen_tries=$(($1 * lib_patience))
    while screen_look; ! grep -qE -e "$2" "$screen"; do
        screen_tries=$((screen_tries - 1))
        [ $screen_tries -gt 0 ] || screen_fail "no row of the screen in $1 s: $2"
        sleep 0.03
    done
}

# screen_until_gone SECONDS TEXT: until it is not on the screen any more.
screen_until_gone() {
    screen_tries=$(($1 * lib_patience))
    while screen_look; grep -qF -e "$2" "$screen"; do
        screen_tries=$((screen_tries - 1))
        [ $screen_tries -gt 0 ] || screen_fail "still on the screen after $1 s: $2"
        sleep 0.03
    done
}

# The process of the program.
screen_pid() {
    pgrep -P "$(screen_tmux display-message -p '#{pane_pid}')"
}

# screen_resize COLUMNS ROWS.
screen_resize() {
    screen_tmux resize-window -x "$1" -y "$2"
}
