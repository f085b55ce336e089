/*
 * board.c - a few words that all processes attached to a basin share, found by name.
 *
 * HEAD has a table of entries; whoever asks first for a name makes the next one. Board i of a
 * handle is entry i, so a handle has all that it can ever need from the start.
 *
 * What always holds:
 *   - board_count is raised when the entry below it is whole: name set, words zero. A maker that
 *     dies before leaves an entry that nobody has seen, and the next one makes it anew.
 *   - A writer stores its word, then looks whether somebody waits; a waiter says that it waits,
 *     then looks at the word. All four are sequentially consistent, so one of the two sees the
 *     other.
 *   - A writer whom nobody awaits calls nothing of the system.
 */
#include <string.h>

#include "handle.h"
#include "wait.h"

enum { BOARD_WAIT_SLICE_NS = 100000000 }; /* No wait trusts its waker for longer. */

void boards_init(flume_log *log)
{
    for (size_t i = 0; i < FLUME_BOARDS_MAX; i++)
        log->boards[i] = (struct flume_board){.log = log, .entry = &log->head->boards[i]};
}

/* How many entries there are; what another process wrote is bounded before it is an index. */
static uint32_t entries(const struct head *head)
{
    uint32_t count = atomic_load_explicit(&head->board_count, memory_order_acquire);

    return count <= FLUME_BOARDS_MAX ? count : FLUME_BOARDS_MAX;
}

/* name has HEAD_BOARD_NAME_BYTES, zeros behind the text. NULL: there is none. */
static flume_board *find(flume_log *log, const char *name)
{
    uint32_t count = entries(log->head);

    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(log->head->boards[i].name, name, HEAD_BOARD_NAME_BYTES) == 0)
            return &log->boards[i];
    }
    return NULL;
}

static int make_locked(flume_log *log, const char *name, flume_board **out_board)
{
    struct head *head = log->head;
    uint32_t count = entries(head);

    if (count == FLUME_BOARDS_MAX)
        return log_fail(log, FLUME_ERR_FULL, 0, FLUME_SEQ_NONE,
                        "%s already has %d boards, which is the limit; they go when all processes "
                        "have closed it",
                        log->path, FLUME_BOARDS_MAX);
    memcpy(head->boards[count].name, name, HEAD_BOARD_NAME_BYTES);
    atomic_store_explicit(&head->board_count, count + 1, memory_order_release);
    *out_board = &log->boards[count];
    return FLUME_OK;
}

static int find_or_make(flume_log *log, const char *name, flume_board **out_board)
{
    struct head *head = log->head;
    flume_board *board = find(log, name);
    int status;

    if (board == NULL) {
        status = mutex_take(log, &head->board_mutex, &head->board_owner, "board");
        if (status < 0)
            return status;
        if (status == MUTEX_INHERITED)
            mutex_inherit(&head->board_mutex); /* An entry is made by one store: nothing is half. */
        status = FLUME_OK;
        board = find(log, name); /* Somebody may have made it since. */
        if (board == NULL)
            status = make_locked(log, name, &board);
        mutex_drop(&head->board_mutex);
        if (status != FLUME_OK)
            return status;
    }
    *out_board = board;
    return FLUME_OK;
}

int flume_log_board(flume_log *log, const char *name, flume_board **out_board)
{
    char padded[HEAD_BOARD_NAME_BYTES] = "";
    size_t name_bytes;
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    name_bytes = name != NULL ? strnlen(name, HEAD_BOARD_NAME_BYTES) : 0;
    if (name_bytes == 0 || name_bytes > FLUME_BOARD_NAME_BYTES_MAX || out_board == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a board's name has 1 to %d bytes", FLUME_BOARD_NAME_BYTES_MAX);
    if (log->observer)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, FLUME_SEQ_NONE,
                        "%s cannot be written by this user, so its boards are not shared with it",
                        log->path);
    memcpy(padded, name, name_bytes);
    return find_or_make(log, padded, out_board);
}

/* The word, or NULL where there is none: a forked child shares nothing either. */
static _Atomic uint64_t *word_of(const flume_board *board, unsigned word)
{
    if (board == NULL || word >= FLUME_BOARD_WORDS || log_guard(board->log) != FLUME_OK)
        return NULL;
    return &board->entry->words[word];
}

/* After a store: wake who waits. One who asks for it later looks at the word first. */
static inline void wake_waiters(flume_board *board)
{
    struct head_board *entry = board->entry;
    const flume_io *io = board->log->io;

    if (atomic_load(&entry->wanted) == 0 || atomic_exchange(&entry->wanted, 0) == 0)
        return;
    (void)atomic_fetch_add(&entry->woken, 1);
    io->wake(io->ctx, (const uint32_t *)&entry->woken);
}

uint64_t flume_board_read(const flume_board *board, unsigned word)
{
    const _Atomic uint64_t *place = word_of(board, word);

    return place != NULL ? atomic_load_explicit(place, memory_order_acquire) : 0;
}

void flume_board_write(flume_board *board, unsigned word, uint64_t value)
{
    _Atomic uint64_t *place = word_of(board, word);

    if (place == NULL)
        return;
    atomic_store(place, value);
    wake_waiters(board);
}

void flume_board_raise(flume_board *board, unsigned word, uint64_t value)
{
    _Atomic uint64_t *place = word_of(board, word);
    uint64_t found;

    if (place == NULL)
        return;
    found = atomic_load_explicit(place, memory_order_relaxed);
    while (found < value) {
        if (atomic_compare_exchange_weak(place, &found, value)) {
            wake_waiters(board);
            return;
        }
    }
}

void flume_board_wait(flume_board *board, unsigned word, uint64_t expected, uint64_t timeout_ns)
{
    _Atomic uint64_t *place = word_of(board, word);
    struct head_board *entry;
    const flume_io *io;
    uint64_t start_ns, now_ns;
    uint32_t woken;

    if (place == NULL || atomic_load(place) != expected)
        return;
    entry = board->entry;
    io = board->log->io;
    start_ns = now_ns = io->monotonic_ns(io->ctx);
    woken = atomic_load(&entry->woken);
    while (now_ns - start_ns < timeout_ns && atomic_load(&entry->woken) == woken) {
        uint64_t slice_ns = timeout_ns - (now_ns - start_ns);

        atomic_store(&entry->wanted, 1);
        if (atomic_load(place) != expected)
            return;
        io->wait(io->ctx, (const uint32_t *)&entry->woken, woken,
                 slice_ns < BOARD_WAIT_SLICE_NS ? slice_ns : BOARD_WAIT_SLICE_NS);
        now_ns = io->monotonic_ns(io->ctx);
    }
}
