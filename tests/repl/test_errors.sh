# An error shows the line, a caret under the place, what was meant, what to do; under --json it is an
# object. `help errors` lists every message.
. "$(dirname "$0")/lib.sh"

# expect_err_shows TEXT: these rows stand one below the other on stderr.
expect_err_shows() {
    case $(cat err) in
    *"$1"*) ;;
    *) fail "stderr does not show: $1" ;;
    esac
}

expect_out_shows() {
    case $(cat out) in
    *"$1"*) ;;
    *) fail "stdout does not show: $1" ;;
    esac
}

# expect_err TEXT: stderr is exactly this.
expect_err() {
    printf '%s\n' "$1" >.lib/wanted
    cmp -s .lib/wanted err || fail "stderr is not: $1"
}

expect 0 a.flume init
expect 0 a.flume append -l run/1 '{"temp":1}'
expect 0 a.flume append -l run/1 two
expect 0 a.flume append -l ran/1 three
expect 0 a.flume mark here @2
expect 0 a.flume view add temp --json-path .temp

# --- The place: of a word, of a part of it, of an option's value. ---
expect 1 a.flume get run/l~2
expect_err "error: no label 'run/l'
  get run/l~2
      ^~~~~~~
  did you mean run/1?  (labels: flume label list)"
expect 2 a.flume log @1..@x
expect_err "error: a seq is @ and decimal digits
  log @1..@x
          ^~
  a record is @17, first, last~2, a hash, a label, :bookmark (flume help refs)"
expect 2 a.flume get last~x
expect_err "error: after ~ comes a number
  get last~x
           ^
  a record is @17, first, last~2, a hash, a label, :bookmark (flume help refs)"
expect 2 a.flume log --limit=5x -n 1
expect_err "error: this is not a whole number (or it is too large)
  log --limit=5x -n 1
              ^~
  decimal digits alone: 10"
expect 2 a.flume log -n 1 -Qr
expect_err "error: log has no option -Q
  log -n 1 -Qr
            ^
  options: flume log -h"
expect 2 a.flume get
expect_err "error: get needs an operand
  usage: flume [DB] get R..."

expect 2 a.flume log -qéö
expect_err "error: log has no option -é
  log -qéö
        ^
  options: flume log -h"

# What a shell would take apart is shown quoted, and the caret still fits.
expect 3 a.flume get 'a  b' @1
expect_err "error: no label 'a  b'
  get 'a  b' @1
      ^~~~~~
  labels: flume label list"
expect 2 a.flume log 'x y..@z'
expect_err_shows "  log 'x y..@z'
            ^~
"

# Wide characters are two cells, control bytes as long as they are shown.
expect 2 a.flume append 日本語 --frob é
expect_err "error: append has no option --frob
  append 日本語 --frob é
                ^~~~~~
  options: flume append -h"
marked=$(printf 'e\314\201') # With its mark it is one cell.
expect 2 a.flume append "$marked" --frob "$marked"
expect_err "error: append has no option --frob
  append $marked --frob $marked
           ^~~~~~
  options: flume append -h"
expect 2 a.flume get "$(printf 'a\033[31mb')" @1
expect_err "error: this is not a reference to a record
  get a\\x1b[31mb @1
      ^~~~~~~~~~
  a record is @17, first, last~2, a hash, a label, :bookmark (flume help refs)"
expect 2 a.flume append "$(printf 'x\ty')" --frob
expect_err "error: append has no option --frob
  append \"x\\ty\" --frob
                ^~~~~~
  options: flume append -h"
expect 2 a.flume get "$(printf '\377')~1"
expect_err_has "\\xff"

expect 2 a.flume append 'a*' '$b
c' --frob
expect_err "error: append has no option --frob
  append 'a*' \"\$b\\nc\" --frob
                      ^~~~~~
  options: flume append -h"

# A long line is shown around the place.
long=$(printf '%0300d' 0)
expect 2 a.flume append "$long" --frob "$long"
expect_err "error: append has no option --frob
  ...000000000000000000000000 --frob 00000000000000000000000000000000000000...
                              ^~~~~~
  options: flume append -h"
expect 2 a.flume log "$long"
expect_err "error: this is not a range
  log 000000000000000000000000000000000000000000000000000000000000000000000...
      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  a range is A..B, A.. or ..B; one record: flume get A"
cells=$(awk '{ if (length($0) > n) n = length($0) } END { print n }' err)
[ "$cells" -le 80 ] || fail "a row of $cells cells"

# So is a long word in a message; no character is cut.
long=$(printf '%0300d' 0 | sed 's/0/é/g')
expect 2 a.flume "$long"
expect_err_has "error: no command 'éé"
grep -q '\\x' err && fail "half a character"
expect 2 a.flume --json "x$long"
jq -r .message err | grep -q '[^ xé.a-z'"'"']' && fail "half a character"
expect 1 a.flume view status "$long$long"
expect_err_shows "éé...
  view status éé"

# --- The line as it was typed. ---
printf 'log -n 0\n  get   "run/l"~2 # why\n' >s
expect 1 a.flume --script s
expect_err "s:2:9: error: no label 'run/l'
    get   \"run/l\"~2 # why
          ^~~~~~~~~
  did you mean run/1?  (labels: label list)"
expect 2 a.flume -c "log 'x 日..@z'"
expect_err_shows "  log 'x 日..@z'
             ^~
"
expect 2 a.flume -c 'get "a\\~x"'
expect_err_shows '  get "a\\~x"
           ^'
expect 2 a.flume -c 'append "a
b" --frob c'
expect_err '-c:2:4: error: append has no option --frob
  b" --frob c
     ^~~~~~
  options: append -h'

# --- What was meant. ---
meant() {
    expect_err_has "did you mean $1?"
}
expect 2 a.flume lgo
meant log
expect 2 a.flume label lsit
meant list
expect 2 a.flume append --lable x y
meant --label
expect 2 a.flume log --mode tabel
meant table
expect 2 a.flume append --codec jsno x
meant json
expect 2 a.flume log --kind mesage
meant message
expect 2 completion bsah
meant bash
expect 2 a.flume get --mode tsv
grep -q "did you mean" err && fail "a suggestion for what was right"
expect 2 help exit-code
meant exit-codes
expect 1 a.flume get ruun/1
meant run/1
expect 1 a.flume get run/11~1
meant run/1
expect 1 a.flume label show ran/l
meant ran/1
expect 1 a.flume get :hree
meant :here
expect 1 a.flume view status tmep
meant temp
expect 1 a.flume find tepm 1
meant temp
expect 2 a.flume view rows label --table seq
grep -q "its tables: " err || fail "which tables there are"
# As near as each other: all of them.
expect 1 a.flume get r@n/1
meant "ran/1 or run/1"
expect 1 a.flume get r@n/1 --json
expect_jq err '.suggest | sort == ["ran/1", "run/1"]'
# One slip in a short word, two in a longer one; characters are counted, not bytes.
expect 2 a.flume lg
meant log
expect 2 a.flume lxx
expect_err_has "commands: flume help"
grep -q "did you mean" err && fail "two slips in a short word"
expect 0 a.flume append -l 日本語文字列 x
expect 1 a.flume get 日本誤文字烈
meant 日本語文字列
expect 2 a.flume -c '.mdoe json'
meant .mode
expect_err_has "-c:1:1: error: no dot-command '.mdoe'"
# What is not to be found by anybody is not suggested.
expect 2 a.flume _complete
grep -q "__complete" err && fail "a hidden command is suggested"

# --- As an object. ---
expect 3 a.flume get @1 run/l --json
expect_json err
expect_jq err '.type == "error" and .code == 1 and .name == "not_found" and .arg == "run/l"
    and .col == 8 and .message == "no label '"'run/l'"'" and .suggest == ["run/1"]
    and .remedy == "labels: flume label list" and (has("file") | not)'
expect 1 a.flume --script s --json
expect_json err
expect_jq err '.file == "s" and .line == 2 and .col == 9 and .arg == "run/l~2"'
expect 2 a.flume --json append 日本 --frob
expect_jq err '.col == 18'
expect 2 a.flume --json "$(printf 'x\033\377')"
expect_json err
expect 2 --json -c 'append "x'
expect_jq err '.name == "usage" and .line == 1 and .col == 8 and .file == "-c"'

# --- What help says of lines holds. ---
expect 0 help lines
[ "$(awk 'length > 80' out | wc -l)" -eq 0 ] || fail "it does not fit 80 columns"
expect_out_has "<<END"
expect 0 a.flume -c 'append -l note "first light"' -c 'log -n 1 --reverse'
printf 'append <<END\n%s\nEND\n' 'two lines' | run a.flume
expect_code 0

# --- The catalogue. ---
expect 0 help errors
[ "$(awk 'length > 80' out | wc -l)" -eq 0 ] || fail "it does not fit 80 columns"
expect_out_has "not_found (exit code 1):"
expect_out_shows "  no label 'LABEL'
      labels: flume label list"
expect_out_has "  FILE cannot be read: CAUSE"
expect_out_has "  @SEQ is not the last record any more: that is @SEQ"
expect_out_has "      usage: flume [DB] USAGE"
expect_out_has "damaged (exit code 4):"
expect_out_has "      what is damaged: flume DB check"
grep -E '%[^ ;]' out && fail "a format is shown"
grep -E '[{}]' out && fail "a word in braces is shown"
grep -E '^ *$' out | grep ' ' && fail "a message without words"
awk '/^[^ ]/ { bad += wants; wants = 0 } /^  [^ ]/ { wants = 1 } /^      [^ ]/ { wants = 0; n++ }
    END { exit bad || wants || n < 100 }' out || fail "a message without a remedy"
# They come sorted by name, and each status of the library is there.
awk '/^What the library/ { exit } /^[a-z_]* .exit code/ { print $1 }' out >names
LC_ALL=C sort -c names || fail "not sorted by name"
statuses=$(sed -n '/^What the library/,$p' out | grep -c '^  [^ ]')
[ "$statuses" -ge 24 ] || fail "$statuses statuses of the library"
