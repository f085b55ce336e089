/*
 * test_damage_bits.c - no bit of a closed basin changes unnoticed.
 *
 * A small basin (three strata; labels, batches, empty and all-zero bodies, a named subscription) is
 * closed in order and damaged in every way this file knows, on a machine that was booted since.
 * After each, either somebody says so - open, get, a cursor, check - or every record reads back as
 * it was, and log/FORMAT.md calls the place unused or says that the file is not trusted.
 *
 *   FLUME_TEST_LONG=1  every bit and every byte, also of unused space
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basin_oracle.h"
#include "bytes.h"
#include "faultio.h"
#include "grain.h"
#include "simdisk.h"
#include "strata_file.h"

#define BASIN SIMDISK_ROOT "/basin.flume"

enum { FILES_MAX = 32, STRATA_BYTES = 64 << 10, FAILURES_SHOWN_MAX = 8, UNUSED_STRIDE = 509 };
enum { RUN_BYTES = 48, RUN_STRIDE = 251, SMALL_FILE_BYTES = 1024 };

/* A file of the basin as it was closed. */
struct original {
    char path[128];
    uint8_t *content;
    size_t bytes;
    bool strata;
    uint64_t first_seq;
    uint8_t *used; /* Of a strata: one per byte; 0 where the format calls it unused. */
};

struct fixture {
    struct simdisk *disk;
    const flume_io *io;
    struct original files[FILES_MAX];
    size_t file_count;
    uint64_t head, digest;
    uint64_t remembered; /* By the subscription. */
    bool told;           /* An open handle has reported something. */
};

/* --- The basin -------------------------------------------------------------------------------- */

/* Remembers that something was told. */
static void on_tell(void *ctx, enum flume_log_level level, const char *message)
{
    bool *told = ctx;

    (void)message;
    if (level != FLUME_LOG_INFO)
        *told = true;
}

static flume_log *open_basin(struct fixture *fx, unsigned flags)
{
    flume_log_options options = {.flags = flags,
                                 .log = on_tell,
                                 .log_ctx = &fx->told,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = flags == FLUME_OPEN_CREATE ? STRATA_BYTES : 0,
                                 .program = "test_damage_bits",
                                 .io = fx->io};
    flume_log *log = NULL;
    flume_error error;

    return flume_log_open(&log, BASIN, &options, &error) == FLUME_OK ? log : NULL;
}

static void append(flume_log *log, const void *body, size_t bytes, const char *label)
{
    const char *labels[] = {label};
    flume_entry entry = {.body = body, .body_bytes = bytes};

    if (label != NULL) {
        entry.labels = labels;
        entry.label_count = 1;
    }
    assert_int_equal(flume_log_append_entry(log, &entry, NULL), FLUME_OK);
}

/* Bodies of several kinds; the two last large ones begin a new strata each. */
static void fill(flume_log *log)
{
    static uint8_t large[40000], zeros[100];
    flume_entry batch[3] = {{.body = "one", .body_bytes = 3},
                            {.body = "", .body_bytes = 0},
                            {.body = zeros, .body_bytes = sizeof zeros}};

    memset(large, 'x', sizeof large);
    for (unsigned part = 0; part < 3; part++) {
        for (unsigned i = 0; i < 5; i++) {
            char text[40];

            (void)snprintf(text, sizeof text, "record %u of part %u", i, part);
            append(log, text, strlen(text), i == 2 ? "label" : NULL);
        }
        append(log, NULL, 0, NULL);
        append(log, zeros, sizeof zeros, "zeros");
        assert_int_equal(flume_log_append_many(log, batch, 3, NULL, NULL), FLUME_OK);
        assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
        append(log, large, part == 0 ? 30000 : sizeof large, NULL);
    }
}

/* Takes some records, then stops. */
static int on_record(void *ctx, const flume_record *record)
{
    (void)ctx;
    return record->seq > 5 ? 1 : 0;
}

static void subscribe_once(flume_log *log)
{
    flume_subscribe_options options = {.name = "reader"};
    flume_subscription *subscription;

    assert_int_equal(flume_subscribe(log, &options, on_record, NULL, &subscription), FLUME_OK);
    while (flume_subscription_position(subscription) <= 5)
        (void)sched_yield();
    flume_unsubscribe(subscription);
}

/* Which bytes of a strata mean something: the header page, each grain less its padding, and the
 * footer page if there is one. */
static void mark_used(struct original *file)
{
    struct strata_header header;
    struct strata_footer footer;
    uint64_t at = STRATA_DATA_AT;
    uint64_t limit = strata_limit(file->bytes);
    struct grain grain;

    file->used = calloc(file->bytes, 1);
    assert_non_null(file->used);
    assert_int_equal(strata_header_decode(file->content, &header), FLUME_OK);
    memset(file->used, 1, STRATA_PAGE_BYTES);
    for (uint32_t i = 0; grain_decode(file->content + at, limit - at, i, header.salt, at, &grain);
         i++) {
        memset(file->used + at, 1, GRAIN_HEADER_BYTES + grain.meta_bytes + grain.body_bytes);
        at += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
    if (strata_footer_decode(file->content + limit, &footer))
        memset(file->used + limit, 1, STRATA_PAGE_BYTES);
}

static void remember_file(struct fixture *fx, const char *path)
{
    struct original *file = &fx->files[fx->file_count];
    size_t bytes;
    uint8_t *content = simdisk_content(fx->disk, path, &bytes);

    if (content == NULL)
        return; /* A directory. */
    assert_true(fx->file_count < FILES_MAX);
    fx->file_count++;
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    file->bytes = bytes;
    file->content = malloc(bytes + 1);
    assert_non_null(file->content);
    memcpy(file->content, content, bytes);
    file->strata = strata_name_parse(strrchr(path, '/') + 1, &file->first_seq);
    if (file->strata)
        mark_used(file);
}

static int begin(void **state)
{
    static struct fixture fixture;
    struct fixture *fx = &fixture;
    flume_log *log;

    memset(fx, 0, sizeof *fx);
    fx->disk = simdisk_create(1);
    simdisk_set_writeback(fx->disk, 0);
    fx->io = simdisk_process(fx->disk);
    log = open_basin(fx, FLUME_OPEN_CREATE);
    assert_non_null(log);
    fill(log);
    subscribe_once(log);
    fx->head = flume_log_head(log);
    fx->digest = oracle_digest(log);
    assert_int_not_equal(fx->digest, 0);
    assert_int_equal(flume_subscription_remembered(log, "reader", &fx->remembered), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    simdisk_reboot(fx->disk);
    for (size_t i = 0; simdisk_name(fx->disk, i) != NULL; i++)
        remember_file(fx, simdisk_name(fx->disk, i));
    *state = fx;
    return 0;
}

static int end(void **state)
{
    struct fixture *fx = *state;

    for (size_t i = 0; i < fx->file_count; i++) {
        free(fx->files[i].content);
        free(fx->files[i].used);
    }
    simdisk_destroy(fx->disk);
    return 0;
}

static struct original *original_find(struct fixture *fx, const char *path)
{
    for (size_t i = 0; i < fx->file_count; i++) {
        if (strcmp(fx->files[i].path, path) == 0)
            return &fx->files[i];
    }
    return NULL;
}

/* Everything as it was closed. */
static void heal(struct fixture *fx)
{
    for (size_t i = 0; simdisk_name(fx->disk, i) != NULL;) {
        char path[256];
        size_t bytes;

        (void)snprintf(path, sizeof path, "%.255s", simdisk_name(fx->disk, i));
        if (simdisk_content(fx->disk, path, &bytes) != NULL && original_find(fx, path) == NULL) {
            simdisk_remove(fx->disk, path);
            i = 0;
        } else {
            i++;
        }
    }
    for (size_t i = 0; i < fx->file_count; i++) {
        const struct original *file = &fx->files[i];
        size_t bytes = 0;
        uint8_t *content = simdisk_content(fx->disk, file->path, &bytes);

        if (content == NULL || bytes != file->bytes)
            simdisk_put(fx->disk, file->path, file->content, file->bytes);
        else if (memcmp(content, file->content, bytes) != 0)
            memcpy(content, file->content, bytes);
    }
}

/* --- Who notices ------------------------------------------------------------------------------ */

struct verdict {
    bool noticed; /* Somebody said something. */
    bool equal;   /* Every record could be read, and is what it was. */
    bool named;   /* The file was named, or its seq. */
    bool silent;  /* A reader got something else, and nobody told it. */
};

struct listener {
    const struct original *file; /* NULL: no name is expected. */
    uint64_t findings;
    bool named;
};

static int on_finding(void *ctx, const flume_finding *finding)
{
    struct listener *listener = ctx;
    const char *name = listener->file == NULL ? "" : listener->file->path + sizeof BASIN;

    listener->findings++;
    if (listener->file == NULL || finding->message[0] == '\0')
        return 0;
    if (strstr(finding->file, name) != NULL || strstr(finding->message, name) != NULL)
        listener->named = true;
    if (listener->file->strata && finding->first_seq != FLUME_SEQ_NONE &&
        finding->first_seq <= listener->file->first_seq &&
        finding->last_seq >= listener->file->first_seq)
        listener->named = true;
    return 0;
}

static void ask_check(struct fixture *fx, const struct original *file, struct verdict *verdict)
{
    struct listener listener = {.file = file};
    flume_check_options options = {.finding = on_finding, .ctx = &listener, .io = fx->io};
    flume_check_report report = {0};
    flume_error error = {0};
    int status = flume_check(BASIN, &options, &report, &error);

    if (status != FLUME_OK || listener.findings > 0 || !report.sound)
        verdict->noticed = true;
    if (listener.named ||
        (file != NULL && strstr(error.message, file->path + sizeof BASIN) != NULL))
        verdict->named = true;
}

/* Whether the subscription's position is what it was, is refused, or is an earlier one: then it
 * only delivers some records again. */
static void ask_position(struct fixture *fx, flume_log *log, struct verdict *verdict)
{
    uint64_t seq = 0;
    int status = flume_subscription_remembered(log, "reader", &seq);

    if (status != FLUME_OK || seq < fx->remembered)
        verdict->noticed = true;
    else if (seq > fx->remembered)
        verdict->silent = true;
}

/* What a reader is given must be right, or somebody must have told it that it is not all. */
static void ask_reader(struct fixture *fx, struct verdict *verdict)
{
    flume_log_stat_info stat = {0};
    flume_log *log;
    uint64_t digest;
    bool noticed;

    fx->told = false;
    log = open_basin(fx, FLUME_OPEN_READ_ONLY);
    if (log == NULL) {
        verdict->noticed = true;
        return;
    }
    (void)flume_log_stat(log, &stat);
    digest = oracle_digest(log);
    noticed = digest == 0 || stat.recovery.torn || stat.recovery.damaged || fx->told;
    if (digest == fx->digest && flume_log_head(log) == fx->head)
        verdict->equal = true;
    else if (!noticed)
        verdict->silent = true;
    ask_position(fx, log, verdict);
    verdict->noticed |= noticed;
    (void)flume_log_close(log);
}

/* Check first: a reader may recover, and change what check would see. */
static struct verdict ask_all(struct fixture *fx, const struct original *file)
{
    struct verdict verdict = {0};

    ask_check(fx, file, &verdict);
    ask_reader(fx, &verdict);
    return verdict;
}

/* --- Every bit -------------------------------------------------------------------------------- */

/* What FORMAT.md says about a byte. */
enum meaning {
    MEANING_USED,
    MEANING_UNUSED,   /* No check covers it. */
    MEANING_UNTRUSTED /* Rebuilt after a restart, whatever it holds. */
};

static bool has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path);
    size_t suffix_length = strlen(suffix);

    return length >= suffix_length && strcmp(path + length - suffix_length, suffix) == 0;
}

static enum meaning meaning_of(const struct original *file, size_t at)
{
    if (has_suffix(file->path, "/HEAD") || has_suffix(file->path, "/LOCK"))
        return MEANING_UNTRUSTED;
    if (has_suffix(file->path, ".slots"))
        return MEANING_UNTRUSTED;
    if (strstr(file->path, "/subs/") != NULL) /* Two slots: the other one counts then. */
        return MEANING_UNTRUSTED;
    if (has_suffix(file->path, ".tmp")) /* Not part of the log. */
        return MEANING_UNUSED;
    if (has_suffix(file->path, "/TAIL"))
        return at % 4096 < 56 ? MEANING_USED : MEANING_UNUSED;
    if (file->strata)
        return file->used[at] != 0 ? MEANING_USED : MEANING_UNUSED;
    return MEANING_USED;
}

struct tally {
    uint64_t noticed, unused, untrusted;
    uint64_t wrong; /* Unnoticed where it matters, or records that are not what they were. */
};

static void report(struct tally *tally, const struct original *file, size_t at, const char *what,
                   const char *complaint)
{
    if (tally->wrong++ < FAILURES_SHOWN_MAX)
        print_error("%s %s at byte %zu: %s\n", what, file->path + sizeof BASIN, at, complaint);
}

static void judge(struct tally *tally, const struct original *file, size_t at, const char *what,
                  enum meaning meaning, struct verdict verdict)
{
    if (verdict.noticed && !verdict.silent)
        tally->noticed++;
    else if (verdict.silent || !verdict.equal)
        report(tally, file, at, what, "a reader is given something else, untold");
    else if (meaning == MEANING_UNUSED)
        tally->unused++;
    else if (meaning == MEANING_UNTRUSTED)
        tally->untrusted++;
    else
        report(tally, file, at, what, "nobody notices");
}

/* Every bit of what is used; of the rest some, unless there is time. */
static size_t next_byte(const struct original *file, size_t at)
{
    if (getenv("FLUME_TEST_LONG") != NULL || file->bytes <= SMALL_FILE_BYTES)
        return at + 1;
    if (meaning_of(file, at) == MEANING_USED) {
        at++;
        /* Of a long run of equal bytes (a body, a page's reserve) only some are flipped. */
        while (at + RUN_BYTES < file->bytes && at % RUN_STRIDE != 0 &&
               memcmp(file->content + at - 1, file->content + at, RUN_BYTES) == 0)
            at++;
        return at;
    }
    at++;
    while (at < file->bytes && at % UNUSED_STRIDE != 0 && meaning_of(file, at) != MEANING_USED)
        at++;
    return at;
}

static void print_tally(const char *what, const struct tally *tally)
{
    print_message("%s: %" PRIu64 " noticed, %" PRIu64 " harmless in unused space, %" PRIu64
                  " harmless in files rebuilt at open, %" PRIu64 " wrong\n",
                  what, tally->noticed, tally->unused, tally->untrusted, tally->wrong);
    assert_int_equal(tally->wrong, 0);
}

static void every_flipped_bit_is_noticed_or_harmless(void **state)
{
    struct fixture *fx = *state;
    struct tally tally = {0};

    for (size_t i = 0; i < fx->file_count; i++) {
        struct original *file = &fx->files[i];
        struct tally before = tally;

        for (size_t at = 0; at < file->bytes; at = next_byte(file, at)) {
            for (unsigned bit = 0; bit < 8; bit++) {
                size_t bytes;

                simdisk_content(fx->disk, file->path, &bytes)[at] ^= (uint8_t)(1u << bit);
                judge(&tally, file, at, "a bit flipped in", meaning_of(file, at),
                      ask_all(fx, file));
                heal(fx);
            }
        }
        print_message("  %s: %" PRIu64 " noticed, %" PRIu64 " harmless\n",
                      file->path + sizeof BASIN, tally.noticed - before.noticed,
                      tally.unused + tally.untrusted - before.unused - before.untrusted);
    }
    print_tally("bits", &tally);
}

/* --- Larger losses ---------------------------------------------------------------------------- */

/* A strata never changes its length; of other files, what is unused may be missing. */
static enum meaning meaning_of_cut(const struct original *file, size_t from)
{
    if (file->strata)
        return MEANING_USED;
    for (size_t at = from; at < file->bytes; at++) {
        if (meaning_of(file, at) != MEANING_UNUSED)
            return meaning_of(file, at);
    }
    return MEANING_UNUSED;
}

static void every_cut_file_is_noticed_and_named(void **state)
{
    struct fixture *fx = *state;
    struct tally tally = {0};

    for (size_t i = 0; i < fx->file_count; i++) {
        struct original *file = &fx->files[i];
        size_t stride = getenv("FLUME_TEST_LONG") != NULL || file->bytes < 1024 ? 1 : 97;

        for (size_t bytes = 0; bytes < file->bytes; bytes += stride) {
            enum meaning meaning = meaning_of_cut(file, bytes);
            struct verdict verdict;

            simdisk_put(fx->disk, file->path, file->content, bytes);
            verdict = ask_all(fx, file);
            judge(&tally, file, bytes, "a cut of", meaning, verdict);
            if (meaning == MEANING_USED && verdict.noticed && !verdict.named)
                report(&tally, file, bytes, "a cut of", "not named");
            heal(fx);
        }
    }
    print_tally("cuts", &tally);
}

/* Whether any byte of a page means something and is not zero already. */
static bool page_matters(const struct original *file, size_t from, size_t bytes)
{
    for (size_t at = from; at < from + bytes; at++) {
        if (file->content[at] != 0 && meaning_of(file, at) == MEANING_USED)
            return true;
    }
    return false;
}

/* A footer of zeros is one that was never written, which is allowed: slots are rebuilt then. */
static bool is_footer_page(const struct original *file, size_t at)
{
    return strstr(file->path, ".strata") != NULL && at + 4096 == file->bytes;
}

static void every_zeroed_page_is_noticed_and_named(void **state)
{
    struct fixture *fx = *state;
    struct tally tally = {0};

    for (size_t i = 0; i < fx->file_count; i++) {
        struct original *file = &fx->files[i];

        for (size_t at = 0; at < file->bytes; at += 4096) {
            size_t page = file->bytes - at < 4096 ? file->bytes - at : 4096;
            bool matters = page_matters(file, at, page) && !is_footer_page(file, at);
            struct verdict verdict;
            size_t bytes;

            memset(simdisk_content(fx->disk, file->path, &bytes) + at, 0, page);
            verdict = ask_all(fx, file);
            judge(&tally, file, at, "a zeroed page in",
                  matters                    ? MEANING_USED
                  : is_footer_page(file, at) ? MEANING_UNTRUSTED
                                             : MEANING_UNUSED,
                  verdict);
            if (matters && verdict.noticed && !verdict.named)
                report(&tally, file, at, "a zeroed page in", "not named");
            heal(fx);
        }
    }
    print_tally("pages", &tally);
}

static void expect_noticed_and_named(struct fixture *fx, struct tally *tally,
                                     const struct original *file, const char *what)
{
    struct verdict verdict = ask_all(fx, file);

    judge(tally, file, 0, what, MEANING_USED, verdict);
    if (verdict.noticed && !verdict.named)
        report(tally, file, 0, what, "not named");
    heal(fx);
}

static void every_deleted_or_exchanged_strata_is_noticed_and_named(void **state)
{
    struct fixture *fx = *state;
    struct tally tally = {0};
    size_t strata_count = 0;

    for (size_t i = 0; i < fx->file_count; i++) {
        struct original *file = &fx->files[i];

        if (!file->strata)
            continue;
        strata_count++;
        simdisk_remove(fx->disk, file->path);
        expect_noticed_and_named(fx, &tally, file, "the deleted strata");
        for (size_t j = 0; j < fx->file_count; j++) {
            const struct original *other = &fx->files[j];

            if (!other->strata || j == i)
                continue;
            simdisk_put(fx->disk, file->path, other->content, other->bytes);
            expect_noticed_and_named(fx, &tally, file, "another strata in place of");
            simdisk_put(fx->disk, file->path, other->content, other->bytes);
            simdisk_put(fx->disk, other->path, file->content, file->bytes);
            expect_noticed_and_named(fx, &tally, file, "an exchange of");
        }
    }
    assert_true(strata_count >= 3);
    print_tally("deleted and exchanged strata", &tally);
}

static void a_healthy_basin_is_sound_and_reads_back_equal(void **state)
{
    struct fixture *fx = *state;
    struct verdict verdict = ask_all(fx, NULL);

    assert_false(verdict.noticed);
    assert_true(verdict.equal);
    heal(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_basin_is_sound_and_reads_back_equal),
        cmocka_unit_test(every_deleted_or_exchanged_strata_is_noticed_and_named),
        cmocka_unit_test(every_zeroed_page_is_noticed_and_named),
        cmocka_unit_test(every_cut_file_is_noticed_and_named),
        cmocka_unit_test(every_flipped_bit_is_noticed_or_harmless),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
