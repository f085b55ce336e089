# On a terminal: tables, colour, a newline behind a body, questions.
. "$(dirname "$0")/lib.sh"
command -v script >/dev/null || { echo "skipped: no script(1)"; exit 77; }

# Run the program on a terminal of its own; what it shows goes to $work/out, without returns.
show() {
    lib_command="(terminal) flume $*"
    TERM=${term:-xterm} script -qec "stty cols ${columns:-80}; '$FLUME' $*" /dev/null </dev/null \
        2>"$work/err" | tr -d '\r' >"$work/out"
}

escape=$(printf '\033')
expect 0 a.flume append --create -l note "first light: pendulum, damped"
expect 0 a.flume append -l a-label-that-is-too-long-for-its-column \
    "日本 a body with wide characters that is far too long for one row of a terminal"

NO_COLOR=1 show a.flume log
expect_out_lines 3
head -n 1 out | grep -qE '^seq +time +labels +bytes +payload$' || fail "the header of the table"
expect_out_has "first light: pendulum, damped"
expect_out_has "日本 a body with wide characters …"
# Width counts cells, not bytes: 日 takes two.
[ "$(wc -L <out)" -le 80 ] || fail "a row is wider than the terminal"
columns=40 NO_COLOR=1 show a.flume log -n 1
columns=200 NO_COLOR=1 show a.flume log
expect_out_has "first light: pendulum, damped"
expect_out_has "for one row of a terminal"

# Colour: on a terminal, unless somebody objects.
show a.flume log
grep -q "$escape" out || fail "no colour on a terminal"
NO_COLOR=1 show a.flume log
grep -q "$escape" out && fail "colour with NO_COLOR"
NO_COLOR='' show a.flume log
grep -q "$escape" out || fail "an empty NO_COLOR counts as none"
term=dumb show a.flume log
grep -q "$escape" out && fail "colour on a dumb terminal"
show a.flume log --color never
grep -q "$escape" out && fail "colour with --color never"
show a.flume log --json
grep -q "$escape" out && fail "colour in JSON"
show a.flume lgo
grep -q "$escape" out || fail "an error without colour on a terminal"

# A body gets a newline on a terminal; numbers are for people.
show a.flume get first
expect_out "first light: pendulum, damped
"
show a.flume info
grep -qE '^used_bytes +[0-9.]+ (B|KiB)$' out || fail "a size for people"

# append shows the first rows and a summary.
seq 50 >fifty
show "a.flume append --each line <fifty"
expect_same 10 "$(grep -c '^@' out)" "rows of append on a terminal"
expect_out_has "50 records, 91 B"

# A body cannot steer the terminal.
printf '\033]0;title\007\033[2J' | expect 0 b.flume append --create -l x -
NO_COLOR=1 show b.flume log
grep -q "$escape" out && fail "an escape sequence of a body reached the terminal"
expect_out_has '\x1b]0;title'
NO_COLOR=1 show b.flume get last
grep -q "$escape" out && fail "an escape sequence of a body reached the terminal by get"
expect_out_has '\x1b]0;title\x07\x1b[2J'
show b.flume get last --mode raw
grep -q "$escape" out || fail "raw is raw"
printf 'two lines\n\twith a tab, \\back, and \302\233 \342\200\256' | expect 0 b.flume append -l x -
NO_COLOR=1 show b.flume get last
expect_out 'two lines
	with a tab, \back, and \xc2\x9b \xe2\x80\xae
'

# Views: columns with a header, counts with commas; a bar while one is brought up to date.
seq 1000 | expect 0 v.flume append --create -l run/1 --each line -q
NO_COLOR=1 show v.flume label list
head -n 1 out | grep -qE '^label +count +bytes +first +last$' || fail "the header of labels"
expect_out_has "1,000"
NO_COLOR=1 show v.flume view status
head -n 1 out | grep -qE '^view +state +at +lag +entries +disk +rate +why$' ||
    fail "the header of views on a narrow terminal"
columns=120 NO_COLOR=1 show v.flume view status
head -n 1 out | grep -qE '^view +version +state +at +lag +lag_bytes +entries +disk +rate +why$' ||
    fail "the header of views"
NO_COLOR=1 show v.flume get last --meta
expect_out_has "hash     "
show v.flume view list
grep -q "$escape" out || fail "no colour in a table of views"
cat >slow.c <<'END'
#include <time.h>

#include "flume/view.h"

static int slow(void *state, flume_batch *batch, const flume_record *record)
{
    struct timespec step = {.tv_nsec = 1000000};

    (void)state;
    nanosleep(&step, NULL);
    return flume_batch_put(batch, 0, &record->seq, sizeof record->seq, "", 0);
}

static const flume_view_table tables[] = {{"seq", FLUME_TABLE_COLLECT, NULL, NULL}};
static const flume_view_definition slow_view = {
    .name = "slow", .version = 1, .tables = tables, .table_count = 1, .apply = slow};
const flume_view_definition *const flume_views[] = {&slow_view, NULL};
END
: "${FLUME_SOURCE_DIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
if "${CC:-cc}" -shared -fPIC -I"$FLUME_SOURCE_DIR/include" -o slow.so slow.c 2>compiler; then
    show v.flume --load slow.so view rows slow -n 1
    grep -qE 'slow +[█▏▎▍▌▋▊▉]+ +[0-9]+%' out || fail "no bar while a view is made"
    show v.flume --load slow.so view rebuild slow
    grep -qE 'slow +[█▏▎▍▌▋▊▉]+ +[0-9]+%' out || fail "no bar in a rebuild"
    expect_out_has "done"
fi
