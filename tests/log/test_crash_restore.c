/*
 * test_crash_restore.c - what a survivor meets while it puts in order what a dead process left.
 *
 * Another process dies at one chosen call, holding a lock of HEAD. This one is attached all the
 * while: what it has to read, list or write for that may fail, and then nothing is appended until
 * the basin has been closed everywhere.
 */
#include "log_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faultio.h"
#include "head.h"
#include "leave.h"
#include "process_trap.h"
#include "seal_fixture.h"

enum { BATCH = 8, BATCH_BODY_BYTES = 30000, SMALL_STRATA_BYTES = 64 << 10 };

/* What the other process is about when its end comes. */
enum act { APPEND_LARGE, APPEND_SMALL, PREPARE, CLOSE, SYNC };

struct death {
    enum act act;
    enum trap_call call;
    enum trap_side side;
    uint64_t at;
    int signal;
};

/* --- The one that dies ------------------------------------------------------------------------ */

static void append_batch(flume_log *log)
{
    static uint8_t body[BATCH_BODY_BYTES];
    flume_entry entries[BATCH];

    fill_bytes(body, sizeof body, 7);
    for (size_t i = 0; i < BATCH; i++)
        entries[i] = (flume_entry){.body = body, .body_bytes = sizeof body};
    (void)flume_log_append_many(log, entries, BATCH, NULL, NULL);
}

static void die_acting(flume_log *log, struct trap *trap, enum act act)
{
    static uint8_t body[700 << 10];

    if (act == CLOSE && (flume_log_append(log, "two", 3, NULL) != FLUME_OK ||
                         flume_log_sync(log, FLUME_SEQ_NONE) != FLUME_OK))
        leave(3);
    trap_arm(trap);
    switch (act) {
    case APPEND_LARGE:
        append_batch(log);
        break;
    case APPEND_SMALL:
        (void)flume_log_append(log, "never", 5, NULL);
        break;
    case PREPARE:
        (void)flume_log_append(log, body, sizeof body, NULL);
        break;
    case CLOSE:
        (void)flume_log_close(log);
        break;
    case SYNC:
        (void)flume_log_append(log, "two", 3, NULL);
        (void)flume_log_sync(log, FLUME_SEQ_NONE);
        break;
    }
    (void)sleep(20); /* It is a helper that dies. */
    leave(2);
}

static pid_t start_death(const struct log_fixture *fx, const struct death *death)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct trap trap;
        flume_log_options options = {
            .profile = FLUME_PROFILE_FORGETFUL, .io_mode = FLUME_IO_PWRITE, .io = &trap.io};
        flume_log *log = NULL;

        trap_init(&trap, death->call, death->side, death->at, death->signal);
        if (flume_log_open(&log, fx->path, &options, NULL) != FLUME_OK)
            leave(1);
        die_acting(log, &trap, death->act);
    }
    return child;
}

static void die(const struct log_fixture *fx, const struct death *death)
{
    pid_t child = start_death(fx, death);
    int how = 0;

    assert_int_equal(waitpid(child, &how, 0), child);
    if (!WIFSIGNALED(how) || WTERMSIG(how) != SIGKILL)
        fail_msg("it did not die: %x", (unsigned)how);
}

/* --- The survivor ----------------------------------------------------------------------------- */

/* A basin with "one" in it, durable; nobody of this process writes by itself from now on. */
static void survive(struct log_fixture *fx, struct faultio *fault, uint64_t strata_bytes)
{
    faultio_init(fault, flume_io_posix());
    fx->options.io = &fault->table;
    fx->options.io_mode = FLUME_IO_PWRITE;
    fx->options.seal = &seal_on_request; /* Who seals meanwhile would take the failures. */
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.strata_bytes = strata_bytes;
    open_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
}

static void expect_sound(const struct log_fixture *fx)
{
    flume_error error;

    if (flume_check(fx->path, NULL, NULL, &error) != FLUME_OK)
        fail_msg("check: %s", error.message);
}

static void survivor_ends(struct log_fixture *fx, struct faultio *fault)
{
    close_log(fx);
    assert_int_equal(fault->open_files, 0);
    assert_int_equal(fault->open_maps, 0);
    faultio_deinit(fault);
    fx->options.io = NULL;
    expect_sound(fx);
}

static void expect_poisoned(struct log_fixture *fx)
{
    uint64_t seq = 99;

    assert_int_equal(flume_log_append(fx->log, "x", 1, &seq), FLUME_ERR_POISONED);
    assert_int_equal(seq, 99);
    expect_error(fx->log, FLUME_ERR_POISONED, "open it again");
}

static void close_poisoned(struct log_fixture *fx)
{
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED);
    fx->log = NULL;
}

/* "one", the batch of the dead, and what is appended now. */
static void expect_batch_is_there(struct log_fixture *fx)
{
    uint64_t head = flume_log_head(fx->log);

    expect_text(fx->log, 1, "one");
    assert_int_equal(head, 2 + 1 + BATCH); /* Its manifest too. */
    for (uint64_t seq = head - BATCH; seq < head; seq++)
        expect_bytes(fx->log, seq, BATCH_BODY_BYTES, 7);
    expect_text(fx->log, append_text(fx->log, "two"), "two");
}

/* --- A large batch that has its name, and its process died ------------------------------------ */

static const struct death named = {APPEND_LARGE, TRAP_RENAME, TRAP_AFTER, 1, SIGKILL};

static void a_large_batch_that_has_its_name_counts(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    uint64_t last = 0;

    survive(fx, &fault, SMALL_STRATA_BYTES);
    die(fx, &named);
    assert_int_equal(flume_log_head(fx->log), 2);
    (void)append_text(fx->log, "two");
    assert_int_equal(flume_log_last(fx->log, FLUME_KIND_MESSAGE, &last), FLUME_OK);
    assert_int_equal(last, flume_log_head(fx->log) - 1);
    expect_bytes(fx->log, 3, BATCH_BODY_BYTES, 7);
    expect_bytes(fx->log, 2 + BATCH, BATCH_BODY_BYTES, 7);
    survivor_ends(fx, &fault);
}

static void one_that_cannot_be_looked_at_poisons_the_log_until_it_can(void **state)
{
    static const struct fault_plan plans[] = {
        {FAULT_OPEN, 1, -EMFILE, FAULT_LASTING}, /* The file, */
        {FAULT_PREAD, 1, -EIO, FAULT_ONCE},      /* its header, */
        {FAULT_PREAD, 2, -EIO, FAULT_ONCE},      /* its footer, */
        {FAULT_LIST, 1, -EIO, FAULT_LASTING},    /* its place in the log, */
        {FAULT_MAP, 1, -ENOMEM, FAULT_LASTING},  /* its bytes. */
    };
    struct log_fixture *fx = *state;
    struct faultio fault;

    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        (void)snprintf(fx->path, sizeof fx->path, "%s/%zu.flume", fx->root, i);
        survive(fx, &fault, SMALL_STRATA_BYTES);
        die(fx, &named);
        faultio_plan(&fault, plans[i]);
        expect_poisoned(fx);
        assert_true(faultio_heal(&fault) > 0);
        assert_int_equal(flume_log_head(fx->log), 2);
        expect_text(fx->log, 1, "one");
        close_poisoned(fx);
        open_log(fx);
        expect_batch_is_there(fx);
        survivor_ends(fx, &fault);
    }
}

static void one_whose_footer_is_gone_is_damage(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    const char *path;

    survive(fx, &fault, SMALL_STRATA_BYTES);
    die(fx, &named);
    path = strata_path(fx, "basin.flume", 2);
    zero_file(path, file_bytes(path) - 4096, 4096);
    expect_poisoned(fx);
    close_poisoned(fx);
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "has no footer");
    run_command("rm '%s'/log/00000000000000000002.*", fx->path); /* It never was in the log. */
    open_log(fx);
    expect_text(fx->log, 1, "one");
    expect_text(fx->log, append_text(fx->log, "two"), "two");
    survivor_ends(fx, &fault);
}

/* The POSIX table, where a file goes just before log/ is listed. */
struct vanishing_io {
    flume_io io;
    const char *path;
};

static int vanishing_list(void *ctx, const char *path, int (*each)(void *ctx, const char *name),
                          void *each_ctx)
{
    const struct vanishing_io *vanishing = ctx;

    (void)unlink(vanishing->path);
    return flume_io_posix()->list(flume_io_posix()->ctx, path, each, each_ctx);
}

static void one_that_goes_while_it_is_taken_is_missed(void **state)
{
    struct log_fixture *fx = *state;
    struct vanishing_io vanishing = {.io = *flume_io_posix()};
    struct faultio fault;

    survive(fx, &fault, SMALL_STRATA_BYTES);
    die(fx, &named);
    vanishing.path = strata_path(fx, "basin.flume", 2);
    vanishing.io.ctx = &vanishing;
    vanishing.io.list = vanishing_list;
    fault.inner = &vanishing.io;
    expect_poisoned(fx);
    fault.inner = flume_io_posix();
    assert_int_equal(flume_log_head(fx->log), 2);
    assert_false(file_exists(strata_path(fx, "basin.flume", 2)));
    close_poisoned(fx);
    open_log(fx);
    expect_text(fx->log, 1, "one");
    expect_text(fx->log, append_text(fx->log, "two"), "two");
    survivor_ends(fx, &fault);
}

/* --- A large batch that has not got its name -------------------------------------------------- */

/* Its two renames, slots first. Behind the second one it counts. */
static const struct death renaming[] = {
    {APPEND_LARGE, TRAP_RENAME, TRAP_BEFORE, 0, SIGKILL},
    {APPEND_LARGE, TRAP_RENAME, TRAP_AFTER, 0, SIGKILL},
    {APPEND_LARGE, TRAP_RENAME, TRAP_BEFORE, 1, SIGKILL},
    {APPEND_LARGE, TRAP_RENAME, TRAP_AFTER, 1, SIGKILL},
};
enum { RENAMINGS = sizeof renaming / sizeof renaming[0] };

static int count_finding(void *ctx, const flume_finding *finding)
{
    unsigned *count = ctx;

    if (finding->kind == FLUME_FINDING_SIDE_FILE)
        ++*count;
    return 0;
}

static unsigned count_side_files(const struct log_fixture *fx)
{
    unsigned count = 0;
    const flume_check_options options = {.finding = count_finding, .ctx = &count};

    assert_int_equal(flume_check(fx->path, &options, NULL, NULL), FLUME_OK);
    return count;
}

static void expect_no_leftovers(const struct log_fixture *fx, bool has_name)
{
    char folder[LOG_FIXTURE_PATH_BYTES + 16];

    assert_int_equal(count_side_files(fx), 0);
    (void)snprintf(folder, sizeof folder, "%s/log", fx->path);
    assert_int_equal(count_files(folder, ".slots"), has_name ? 3 : 1);
    (void)snprintf(folder, sizeof folder, "%s/txn", fx->path);
    assert_int_equal(count_files(folder, ""), 0);
    (void)snprintf(folder, sizeof folder, "%s/lost+found", fx->path);
    assert_int_equal(count_files(folder, ".strata"),
                     has_name ? 0 : 1); /* Nothing is thrown away. */
}

static void a_survivor_takes_away_what_a_large_batch_left(void **state)
{
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < RENAMINGS; i++) {
        bool has_name = i == RENAMINGS - 1;
        struct faultio fault;

        (void)snprintf(fx->path, sizeof fx->path, "%s/%zu.flume", fx->root, i);
        survive(fx, &fault, SMALL_STRATA_BYTES);
        die(fx, &renaming[i]);
        expect_text(fx->log, append_text(fx->log, "two"), "two");
        assert_int_equal(flume_log_head(fx->log), has_name ? 2 + 1 + BATCH + 2 : 3);
        assert_int_equal(count_side_files(fx), 0);
        survivor_ends(fx, &fault);
        expect_no_leftovers(fx, has_name);
    }
}

static void who_comes_next_takes_away_what_a_large_batch_left(void **state)
{
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < RENAMINGS; i++) {
        bool has_name = i == RENAMINGS - 1;
        struct faultio fault;

        (void)snprintf(fx->path, sizeof fx->path, "%s/%zu.flume", fx->root, i);
        survive(fx, &fault, SMALL_STRATA_BYTES);
        close_log(fx);
        die(fx, &renaming[i]);
        open_log(fx);
        expect_text(fx->log, 1, "one");
        (void)append_text(fx->log, "two");
        survivor_ends(fx, &fault);
        expect_no_leftovers(fx, has_name);
    }
}

static void touch_slots(const struct log_fixture *fx, unsigned first_seq)
{
    run_command("head -c 64 /dev/zero >'%s/log/%020u.slots'", fx->path, first_seq);
}

/* As a power cut leaves them. Others are named by a check, and moved by a repair. */
static void slots_behind_the_newest_strata_go_when_the_basin_is_opened(void **state)
{
    struct log_fixture *fx = *state;
    char path[LOG_FIXTURE_PATH_BYTES + 64];

    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    for (unsigned i = 0; i < 3; i++)
        (void)append_bytes(fx->log, BATCH_BODY_BYTES, 1);
    close_log(fx);
    touch_slots(fx, 1);
    touch_slots(fx, 99);
    open_log(fx);
    close_log(fx);
    (void)snprintf(path, sizeof path, "%s/log/%020u.slots", fx->path, 99);
    assert_false(file_exists(path));
    assert_int_equal(count_side_files(fx), 1);
    assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, NULL, NULL, NULL), FLUME_OK);
    assert_int_equal(count_side_files(fx), 0);
    (void)snprintf(path, sizeof path, "%s/lost+found/%020u.slots", fx->path, 1);
    assert_true(file_exists(path));
}

/* --- An append, a sync or a roll that was under way ------------------------------------------- */

static const struct death appending = {APPEND_SMALL, TRAP_PWRITE, TRAP_AFTER, 0, SIGKILL};
static const struct death syncing = {SYNC, TRAP_SYNC, TRAP_BEFORE, 0, SIGKILL};

static void without_its_slots_the_end_cannot_be_put_in_order(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;

    survive(fx, &fault, 0);
    die(fx, &appending);
    zero_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), 0, 64);
    expect_poisoned(fx);
    close_poisoned(fx);
    open_log(fx);
    expect_text(fx->log, 1, "one");
    expect_text(fx->log, append_text(fx->log, "two"), "two");
    survivor_ends(fx, &fault);
}

/* Where a mapping was nothing else comes to lie: whoever still goes there is caught. */
static void unmap_for_good(void *ctx, void *address, size_t bytes)
{
    (void)ctx;
    assert_true(mmap(address, bytes, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                address);
}

/* The system knows which locks a thread holds: the dead one's must be given back before HEAD goes,
 * else the thread's next lock, of whatever basin, goes where HEAD was. */
static void expect_leaves_the_dead_behind(struct log_fixture *fx, const struct death *death)
{
    flume_io lasting = *flume_io_posix();
    struct faultio fault;
    uint32_t state = 0;

    lasting.unmap = unmap_for_good;
    survive(fx, &fault, 0);
    fault.inner = &lasting;
    close_log(fx);
    fx->options.flags = FLUME_OPEN_READ_ONLY;
    open_log(fx);
    die(fx, death);
    close_log(fx);
    read_file(fixture_path(fx, "basin.flume/HEAD"), offsetof(struct head, state), &state,
              sizeof state);
    assert_int_equal(state, HEAD_READY); /* Not left in order: the next one recovers. */
    fx->options.flags = 0;
    for (unsigned i = 0; i < 3; i++) {
        open_log(fx);
        expect_text(fx->log, 1, "one");
        expect_text(fx->log, append_text(fx->log, "more"), "more");
        close_log(fx);
    }
    fault.inner = flume_io_posix();
    open_log(fx);
    survivor_ends(fx, &fault);
}

static void the_last_to_leave_lets_go_of_an_append_that_died(void **state)
{
    expect_leaves_the_dead_behind(*state, &appending);
}

static void the_last_to_leave_lets_go_of_a_sync_that_died(void **state)
{
    expect_leaves_the_dead_behind(*state, &syncing);
}

static uint64_t prepared_bytes(struct log_fixture *fx)
{
    const char *path = fixture_path(fx, "basin.flume/HEAD");
    uint64_t prepared;

    read_file(path, offsetof(struct head, prepared_bytes), &prepared, sizeof prepared);
    return prepared;
}

static void the_next_strata_is_made_where_another_died_making_it(void **state)
{
    static const struct death preparing = {PREPARE, TRAP_ALLOCATE, TRAP_AFTER, 0, SIGKILL};
    struct log_fixture *fx = *state;
    struct faultio fault;

    survive(fx, &fault, 0);
    die(fx, &preparing);
    assert_int_equal(prepared_bytes(fx), 0);
    (void)append_bytes(fx->log, 1000, 1);
    for (unsigned i = 0; prepared_bytes(fx) == 0 && i < 20000; i++)
        (void)usleep(1000);
    assert_int_equal(prepared_bytes(fx), 2 << 20);
    expect_bytes(fx->log, append_bytes(fx->log, 1 << 20, 2), 1 << 20, 2);
    expect_bytes(fx->log, append_bytes(fx->log, 900 << 10, 3), 900 << 10, 3);
    survivor_ends(fx, &fault);
}

/* --- The gate --------------------------------------------------------------------------------- */

static void who_leaves_brings_up_the_gate_where_another_died_doing_it(void **state)
{
    static const struct death closing = {CLOSE, TRAP_PWRITE, TRAP_BEFORE, 0, SIGKILL};
    struct log_fixture *fx = *state;
    struct faultio fault;
    uint64_t gate;

    survive(fx, &fault, 0);
    die(fx, &closing);
    assert_int_equal(flume_log_durable(fx->log), flume_log_head(fx->log));
    read_file(fixture_path(fx, "basin.flume/HEAD"), offsetof(struct head, gate_seq), &gate,
              sizeof gate);
    assert_true(gate < flume_log_head(fx->log));
    survivor_ends(fx, &fault);
    read_file(fixture_path(fx, "basin.flume/HEAD"), offsetof(struct head, gate_seq), &gate,
              sizeof gate);
    assert_int_equal(gate, 4); /* Two manifests, two texts. */
}

static void who_cannot_bring_up_the_gate_says_who_holds_it(void **state)
{
    static const struct death stopping = {CLOSE, TRAP_PWRITE, TRAP_BEFORE, 0, SIGSTOP};
    struct log_fixture *fx = *state;
    struct faultio fault;
    pid_t child;
    int how = 0;

    fx->options.lock_timeout_ns = SECOND_NS / 5;
    survive(fx, &fault, 0);
    child = start_death(fx, &stopping);
    assert_int_equal(waitpid(child, &how, WUNTRACED), child);
    assert_true(WIFSTOPPED(how));
    assert_int_equal(flume_log_durable(fx->log), flume_log_head(fx->log));
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_BUSY);
    fx->log = NULL;
    assert_int_equal(fault.open_files, 0);
    assert_int_equal(fault.open_maps, 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    open_log(fx);
    expect_text(fx->log, 1, "one");
    expect_text(fx->log, 3, "two");
    survivor_ends(fx, &fault);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(a_large_batch_that_has_its_name_counts),
        closed_log_test(one_that_cannot_be_looked_at_poisons_the_log_until_it_can),
        closed_log_test(one_whose_footer_is_gone_is_damage),
        closed_log_test(one_that_goes_while_it_is_taken_is_missed),
        closed_log_test(a_survivor_takes_away_what_a_large_batch_left),
        closed_log_test(who_comes_next_takes_away_what_a_large_batch_left),
        closed_log_test(slots_behind_the_newest_strata_go_when_the_basin_is_opened),
        closed_log_test(without_its_slots_the_end_cannot_be_put_in_order),
        closed_log_test(the_last_to_leave_lets_go_of_an_append_that_died),
        closed_log_test(the_last_to_leave_lets_go_of_a_sync_that_died),
        closed_log_test(the_next_strata_is_made_where_another_died_making_it),
        closed_log_test(who_leaves_brings_up_the_gate_where_another_died_doing_it),
        closed_log_test(who_cannot_bring_up_the_gate_says_who_holds_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
