# The pager: only on a terminal, only for what is taller than the screen; left early, missing, refused.
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/screen.sh"

seq 1000 | expect 0 a.flume append --create -l run/1 --each line -q
# A pager that says that it was run, shows the first lines, and waits to be left.
cat >pager <<'END'
#!/bin/sh
echo run >>"$HOME/pager.runs"
head -n "${1:-3}"
echo "(pager)"
read -r answer </dev/tty
cat >"$HOME/pager.rest"
END
chmod +x pager
runs() {
    cat pager.runs 2>/dev/null | wc -l
}

# Taller than the screen: paged, and the program waits for the pager.
FLUME_PAGER=./pager screen_start 80 24 a.flume log
screen_wait 5 '(pager)'
screen_has 'seq'
screen_has_not 'ended with'
screen_keys Enter
screen_wait 5 'ended with 0'
expect_same 1 "$(runs)" "the pager ran"
tail -n 1 pager.rest | grep -q 1000 || fail "the pager got everything"
screen_has '1,000 rows'
rm pager.runs

# Not taller: the screen. Nor with --no-pager, nor while following, nor slow rows.
FLUME_PAGER=./pager screen_start 80 24 a.flume log -n 20
screen_wait 5 'ended with 0'
screen_has '20'
FLUME_PAGER=./pager screen_start 80 24 a.flume log --no-pager
screen_wait 5 'ended with 0'
FLUME_PAGER=./pager screen_start 80 24 a.flume tail -n 100 -f
screen_wait 5 '@1000'
screen_keys C-c
screen_wait 5 'ended with 130'
FLUME_PAGER='' screen_start 80 24 a.flume log
screen_wait 5 'ended with 0'
FLUME_PAGER=cat screen_start 80 24 a.flume log
screen_wait 5 'ended with 0'
expect_same 0 "$(runs)" "nothing of this is paged"

# Not a terminal: no pager.
FLUME_PAGER=./pager expect 0 a.flume log
expect_out_lines 1000
expect_same 0 "$(runs)" "a pipe is not paged"

# Left early, with much left to write: quietly, and the code is 0.
seq 200000 | expect 0 big.flume append --create --each line -q
cat >early <<'END'
#!/bin/sh
echo run >>"$HOME/pager.runs"
head -n 1
END
chmod +x early
for mode in table plain ndjson json csv; do
    rm -f pager.runs
    FLUME_PAGER=./early screen_start 80 24 big.flume log --mode $mode
    screen_wait 10 'ended with 0'
    expect_same 1 "$(runs)" "the pager in $mode"
    screen_has_not 'error'
    screen_has_not 'roken pipe'
    screen_has_not ' rows'
done
# Help is paged as well.
rm pager.runs
FLUME_PAGER=./early screen_start 80 24 help modes
screen_wait 5 'ended with 0'
expect_same 1 "$(runs)" "help is paged"

# What was to be said stands behind the pager; errors too.
FLUME_PAGER=./pager screen_start 80 24 a.flume get first first first first first first first first \
    first first first first first first first first first first first first first first first first \
    first first first first @5000
screen_wait 5 '(pager)'
screen_has_not 'no record'
screen_keys Enter
screen_wait 5 'ended with 3'
screen_has 'error: no record @5000'

# Ctrl-C is the pager's: it ends neither the program nor the pager's output.
cat >trapped <<'END'
#!/bin/sh
trap 'echo "(not now)"' INT
head -n 3
echo "(pager)"
until read -r answer </dev/tty; do :; done
END
chmod +x trapped
FLUME_PAGER=./trapped screen_start 80 24 a.flume log
screen_wait 5 '(pager)'
screen_keys C-c
screen_wait 5 '(not now)'
screen_has_not 'ended with'
screen_keys Enter
screen_wait_row 5 'ended with (0|130)'

# One that does not exist: the screen, and a note.
FLUME_PAGER='./no-such-pager -x' screen_start 80 24 a.flume log
screen_wait 5 'ended with 0'
screen_look 100
screen_has "there is no program './no-such-pager -x' to show"
screen_has '1000'
# Rows that come slowly are shown as they come, here the first of two rebuilds.
cat >slow.c <<'END'
#include <time.h>

#include "flume/view.h"

static int slow(void *state, flume_batch *batch, const flume_record *record)
{
    struct timespec step = {.tv_nsec = 2000000};

    (void)state;
    nanosleep(&step, NULL);
    return flume_batch_put(batch, 0, &record->seq, sizeof record->seq, "", 0);
}

static const flume_view_table tables[] = {{"seq", FLUME_TABLE_COLLECT, NULL, NULL}};
static const flume_view_definition slow_view = {
    .name = "slow", .version = 1, .tables = tables, .table_count = 1, .apply = slow};
const flume_view_definition *const flume_views[] = {&slow_view, NULL};
END
: "${FLUME_SOURCE_DIR:=$source}"
if "${CC:-cc}" -shared -fPIC -I"$FLUME_SOURCE_DIR/include" -o slow.so slow.c 2>compiler; then
    FLUME_PAGER=./pager screen_start 80 24 a.flume --load slow.so view rebuild hash slow
    screen_wait_row 5 '^hash +done .*it is not there yet$'
    screen_has_not 'ended with'
    screen_wait 20 'ended with 0'
    screen_wait_row 1 '^slow +done '
fi

# In a shell: .pager, and the shell goes on behind a pager that is left early.
rm -f pager.runs
FLUME_PAGER=./early screen_start 80 24 big.flume
screen_wait 5 'flume>'
screen_enter 'log'
screen_wait 10 'seq'
screen_enter '.pager never'
screen_enter 'log -n 40'
screen_wait 5 '40'
expect_same 1 "$(runs)" "the pager of a shell"
screen_enter '.quit'
screen_wait 5 'ended with 0'
