# Errors at the prompt: the line as it was typed, a caret under the place, on terminals of any width.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$here/lib.sh"
. "$here/screen.sh"

expect 0 a.flume init
expect 0 a.flume append -l run/1 one

# screen_shows TEXT: these rows stand one below the other on the screen.
screen_shows() {
    printf '%s\n' "$1" >.lib/rows
    first=$(head -n 1 .lib/rows)
    rows=$(wc -l <.lib/rows)
    screen_wait 5 "$(tail -n 1 .lib/rows)"
    grep -nxF -e "$first" "$screen" | cut -d: -f1 | while read -r row; do
        sed -n "$row,$((row + rows - 1))p" "$screen" | cmp -s - .lib/rows && : >.lib/shown
    done
    [ -f .lib/shown ] || screen_fail "not on the screen: $1"
    rm .lib/shown
}

for columns in 80 200; do
    screen_start $columns 40 a.flume
    screen_wait 5 "flume>"
    screen_enter 'get  "run/l"~2   # why'
    screen_shows "error: no label 'run/l'
  get  \"run/l\"~2   # why
       ^~~~~~~~~
  did you mean run/1?  (labels: label list)"
    screen_enter 'append 日本語 😀 --frob'
    screen_shows "error: append has no option --frob
  append 日本語 😀 --frob
                   ^~~~~~
  options: append -h"
    screen_enter '.mdoe json'
    screen_shows "error: no dot-command '.mdoe'
  .mdoe json
  ^~~~~"
    screen_has "did you mean .mode?"
    screen_enter 'append {"a": 1]'
    screen_shows "error: this bracket does not close the one before it
  append {\"a\": 1]
                ^"
    # What goes over two lines.
    screen_enter "append 'one"
    screen_wait 5 "quote>"
    screen_enter "two' --frob"
    screen_shows "error: append has no option --frob
  two' --frob
       ^~~~~~"
    screen_keys C-d
    screen_wait 5 "ended with 0"
done

# A narrow terminal: a window of the line, and no row is broken.
screen_start 40 40 a.flume
screen_wait 5 "flume>"
long=$(printf '%0200d' 0)
screen_enter "append $long --frob $long"
screen_wait 5 "options: append -h"
screen_shows "  ...00000000000 --frob 0000000000000..."
screen_shows "                 ^~~~~~"
