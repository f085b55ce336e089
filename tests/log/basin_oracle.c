/*
 * basin_oracle.c - what a log must hold, remembered beside it.
 */
#include "basin_oracle.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "simdisk.h"

enum { NAMED_BODY_BYTES_MIN = 16, ZERO_BODY_BYTES_MAX = 400 };

void oracle_init(struct oracle *oracle, uint64_t seed)
{
    memset(oracle, 0, sizeof *oracle);
    oracle->seed = seed;
    (void)pthread_mutex_init(&oracle->mutex, NULL);
}

void oracle_deinit(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->append_count; i++)
        free(oracle->appends[i].memory);
    free(oracle->appends);
    free(oracle->places);
    (void)pthread_mutex_destroy(&oracle->mutex);
}

__attribute__((format(printf, 2, 3))) static void complain(struct oracle *oracle,
                                                           const char *format, ...)
{
    va_list arguments;

    if (oracle->complaint[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(oracle->complaint, sizeof oracle->complaint, format, arguments);
    va_end(arguments);
}

/* --- Records ---------------------------------------------------------------------------------- */

static size_t body_bytes_choose(uint64_t *random)
{
    switch (simdisk_random_below(random, 16)) {
    case 0:
        return 0;
    case 1:
        return 1 + (size_t)simdisk_random_below(random, NAMED_BODY_BYTES_MIN);
    case 2:
    case 3:
    case 4:
        return 300 + (size_t)simdisk_random_below(random, 3000);
    case 5:
        return 3000 + (size_t)simdisk_random_below(random, ORACLE_BODY_BYTES_MAX - 3000);
    default:
        return NAMED_BODY_BYTES_MIN + (size_t)simdisk_random_below(random, 300);
    }
}

/* Bodies begin with the numbers of their append and member where there is room for them. */
static void body_fill(uint8_t *body, size_t bytes, size_t append, size_t member, uint64_t random)
{
    uint32_t numbers[4] = {0x65726f63u, (uint32_t)append, (uint32_t)member, (uint32_t)bytes};

    for (size_t i = 0; i < bytes; i++) {
        if (i % 8 == 0)
            (void)simdisk_random(&random);
        body[i] = (uint8_t)(random >> (8 * (i % 8)));
    }
    if (bytes >= sizeof numbers)
        memcpy(body, numbers, sizeof numbers);
}

/* The first of a batch always has a body that names it, so that the others' places follow. */
void oracle_record(const struct oracle *oracle, size_t append, size_t member, size_t count,
                   struct oracle_record *out_record)
{
    uint64_t random = oracle->seed ^ (append * 1000003u + member) * 0x9e3779b97f4a7c15u;
    flume_entry *entry = &out_record->entry;
    bool named = count > 1 && member == 0;

    memset(entry, 0, sizeof *entry);
    entry->body = out_record->body;
    entry->body_bytes = body_bytes_choose(&random);
    if (named && entry->body_bytes < NAMED_BODY_BYTES_MIN)
        entry->body_bytes = NAMED_BODY_BYTES_MIN;
    body_fill(out_record->body, entry->body_bytes, append, member, simdisk_random(&random));
    if (!named && entry->body_bytes < ZERO_BODY_BYTES_MAX && simdisk_random_below(&random, 16) == 0)
        memset(out_record->body, 0, entry->body_bytes);
    if (simdisk_random_below(&random, 4) == 0) {
        (void)snprintf(out_record->label_text, sizeof out_record->label_text, "label-%zu",
                       append % 7);
        out_record->labels[0] = out_record->label_text;
        entry->labels = out_record->labels;
        entry->label_count = 1;
    }
    if (simdisk_random_below(&random, 8) == 0) {
        entry->kind = FLUME_KIND_USER + 1;
        entry->codec = FLUME_CODEC_JSON;
        entry->time_ns = 1600000000000000000u + append;
    }
}

static bool record_is(const flume_record *record, const struct oracle_record *wanted)
{
    const flume_entry *entry = &wanted->entry;
    uint8_t kind = entry->kind == 0 ? FLUME_KIND_MESSAGE : entry->kind;
    flume_label label;
    size_t position = 0;

    if (record->kind != kind || record->codec != entry->codec ||
        record->body_bytes != entry->body_bytes ||
        memcmp(record->body, entry->body, entry->body_bytes) != 0)
        return false;
    if (entry->time_ns != 0 && record->time_ns != entry->time_ns)
        return false;
    for (size_t i = 0; i < entry->label_count; i++) {
        if (!flume_record_label(record, &position, &label) ||
            label.bytes != strlen(entry->labels[i]) ||
            memcmp(label.text, entry->labels[i], label.bytes) != 0)
            return false;
    }
    return !flume_record_label(record, &position, &label);
}

/* --- The books -------------------------------------------------------------------------------- */

size_t oracle_begin(struct oracle *oracle, size_t count)
{
    size_t number;

    (void)pthread_mutex_lock(&oracle->mutex);
    if (oracle->append_count == oracle->append_room) {
        oracle->append_room = oracle->append_room == 0 ? 256 : oracle->append_room * 2;
        oracle->appends = realloc(oracle->appends, oracle->append_room * sizeof *oracle->appends);
        assert(oracle->appends != NULL);
    }
    number = oracle->append_count++;
    oracle->appends[number] = (struct oracle_append){
        .outcome = ORACLE_PENDING, .count = count, .first_seq = FLUME_SEQ_NONE};
    (void)pthread_mutex_unlock(&oracle->mutex);
    return number;
}

static void places_reserve(struct oracle *oracle, uint64_t count)
{
    if (count > oracle->place_room) {
        oracle->place_room = count * 2 + 256;
        oracle->places = realloc(oracle->places, oracle->place_room * sizeof *oracle->places);
        assert(oracle->places != NULL);
    }
    for (; oracle->place_count < count; oracle->place_count++)
        oracle->places[oracle->place_count] = (struct oracle_place){.append = SIZE_MAX};
}

static void place_append(struct oracle *oracle, size_t append, uint64_t first_seq)
{
    struct oracle_append *entry = &oracle->appends[append];

    entry->outcome = ORACLE_APPENDED;
    entry->first_seq = first_seq;
    places_reserve(oracle, first_seq + entry->count);
    for (size_t i = 0; i < entry->count; i++) {
        struct oracle_place *place = &oracle->places[first_seq + i];

        if (place->append != SIZE_MAX) {
            oracle->invented++;
            complain(oracle, "seq %" PRIu64 " was given to append %zu and to append %zu",
                     first_seq + i, place->append, append);
        }
        *place = (struct oracle_place){.append = append, .member = i};
    }
}

void oracle_end(struct oracle *oracle, size_t append, enum oracle_outcome outcome,
                uint64_t first_seq)
{
    (void)pthread_mutex_lock(&oracle->mutex);
    free(oracle->appends[append].memory);
    oracle->appends[append].memory = NULL;
    if (outcome == ORACLE_APPENDED)
        place_append(oracle, append, first_seq);
    else
        oracle->appends[append].outcome = outcome;
    (void)pthread_mutex_unlock(&oracle->mutex);
}

void oracle_durable(struct oracle *oracle, uint64_t head)
{
    (void)pthread_mutex_lock(&oracle->mutex);
    if (head > oracle->durable)
        oracle->durable = head;
    (void)pthread_mutex_unlock(&oracle->mutex);
}

int oracle_append_to(struct oracle *oracle, flume_log *log, size_t count,
                     enum oracle_outcome on_error, uint64_t *out_end)
{
    struct oracle_record *records = calloc(count, sizeof *records + sizeof(flume_entry));
    flume_entry *entries = (flume_entry *)(records + count);
    size_t append = oracle_begin(oracle, count);
    uint64_t first_seq = FLUME_SEQ_NONE;
    int status;

    assert(records != NULL);
    (void)pthread_mutex_lock(&oracle->mutex);
    oracle->appends[append].memory = records;
    (void)pthread_mutex_unlock(&oracle->mutex);
    for (size_t i = 0; i < count; i++) {
        oracle_record(oracle, append, i, count, &records[i]);
        entries[i] = records[i].entry;
    }
    if (count == 1)
        status = flume_log_append_entry(log, entries, &first_seq);
    else
        status = flume_log_append_many(log, entries, count, NULL, &first_seq);
    oracle_end(oracle, append, status == FLUME_OK ? ORACLE_APPENDED : on_error, first_seq);
    if (status == FLUME_OK && out_end != NULL)
        *out_end = first_seq + count;
    return status;
}

/* --- Checking --------------------------------------------------------------------------------- */

/* The pending append and member that a record is of, as its body says. */
static bool place_named(const struct oracle *oracle, const flume_record *record,
                        struct oracle_record *scratch, struct oracle_place *out_place)
{
    uint32_t numbers[4];

    if (record->body_bytes < sizeof numbers)
        return false;
    memcpy(numbers, record->body, sizeof numbers);
    if (numbers[1] >= oracle->append_count ||
        oracle->appends[numbers[1]].outcome != ORACLE_PENDING ||
        numbers[2] >= oracle->appends[numbers[1]].count)
        return false;
    oracle_record(oracle, numbers[1], numbers[2], oracle->appends[numbers[1]].count, scratch);
    *out_place = (struct oracle_place){.append = numbers[1], .member = numbers[2]};
    return record_is(record, scratch);
}

/* Whether a pending append may have this member at this seq. */
static bool may_be_at(const struct oracle_append *append, size_t member, uint64_t seq)
{
    if (append->outcome != ORACLE_PENDING)
        return false;
    if (append->first_seq == FLUME_SEQ_NONE)
        return append->count == 1;
    return append->first_seq + member == seq && append->count > 1;
}

/* The same for a body that does not say so: any pending record that has the same bytes. */
static bool place_guessed(const struct oracle *oracle, const flume_record *record,
                          struct oracle_record *scratch, struct oracle_place *out_place)
{
    for (size_t i = oracle->append_count; i-- > 0;) {
        const struct oracle_append *append = &oracle->appends[i];

        for (size_t member = 0; member < append->count; member++) {
            if (!may_be_at(append, member, record->seq))
                continue;
            oracle_record(oracle, i, member, append->count, scratch);
            *out_place = (struct oracle_place){.append = i, .member = member};
            if (record_is(record, scratch))
                return true;
        }
    }
    return false;
}

/* A record whose append was never answered: take note of where it is. */
static void check_unknown(struct oracle *oracle, const flume_record *record,
                          struct oracle_record *scratch)
{
    struct oracle_place place;
    struct oracle_append *append;

    if (!place_named(oracle, record, scratch, &place) &&
        !place_guessed(oracle, record, scratch, &place)) {
        oracle->invented++;
        complain(oracle, "seq %" PRIu64 " (%zu bytes, kind %u) was never appended", record->seq,
                 record->body_bytes, record->kind);
        return;
    }
    append = &oracle->appends[place.append];
    if (append->first_seq != FLUME_SEQ_NONE && append->first_seq != record->seq - place.member) {
        oracle->invented++;
        complain(oracle, "append %zu is there twice, or out of order, at seq %" PRIu64,
                 place.append, record->seq);
    }
    append->first_seq = record->seq - place.member;
    oracle->places[record->seq] = place;
}

static void check_known(struct oracle *oracle, const flume_record *record,
                        struct oracle_record *scratch)
{
    const struct oracle_place *place = &oracle->places[record->seq];

    oracle_record(oracle, place->append, place->member, oracle->appends[place->append].count,
                  scratch);
    if (record_is(record, scratch))
        return;
    oracle->lost++;
    complain(oracle, "seq %" PRIu64 " does not hold what append %zu put there", record->seq,
             place->append);
}

static void check_seq(struct oracle *oracle, flume_log *log, uint64_t seq,
                      struct oracle_record *scratch)
{
    flume_record record;
    flume_error error;
    int status = flume_log_get(log, seq, &record);

    oracle->checked++;
    if (status != FLUME_OK) {
        flume_log_error(log, &error);
        oracle->lost++;
        complain(oracle, "seq %" PRIu64 " cannot be read: %s", seq, error.message);
        return;
    }
    if (record.seq != seq) {
        oracle->invented++;
        complain(oracle, "seq %" PRIu64 " was asked for, %" PRIu64 " came", seq, record.seq);
    } else if (oracle->places[seq].append != SIZE_MAX) {
        check_known(oracle, &record, scratch);
    } else if (record.kind != FLUME_KIND_MANIFEST) {
        check_unknown(oracle, &record, scratch);
    }
    flume_record_release(&record);
}

/* Appends are whole or absent; what is absent may not come back. */
static void settle_append(struct oracle *oracle, size_t number, uint64_t head)
{
    struct oracle_append *append = &oracle->appends[number];

    if (append->outcome == ORACLE_REFUSED)
        return;
    if (append->first_seq == FLUME_SEQ_NONE || append->first_seq >= head) {
        append->outcome = ORACLE_REFUSED;
        return;
    }
    append->outcome = ORACLE_APPENDED;
    if (append->first_seq + append->count > head) {
        oracle->torn_batches++;
        complain(oracle, "batch %zu at seq %" PRIu64 " of %zu is torn: head is %" PRIu64, number,
                 append->first_seq, append->count, head);
        append->count = (size_t)(head - append->first_seq);
    }
    for (size_t i = 0; i < append->count; i++) {
        const struct oracle_place *place = &oracle->places[append->first_seq + i];

        if (place->append == number && place->member == i)
            continue;
        oracle->torn_batches++;
        complain(oracle, "member %zu of batch %zu is missing at seq %" PRIu64, i, number,
                 append->first_seq + i);
    }
}

bool oracle_check(struct oracle *oracle, flume_log *log)
{
    struct oracle_record *scratch = calloc(1, sizeof *scratch);
    uint64_t head = flume_log_head(log);

    assert(scratch != NULL);
    if (head < oracle->durable) {
        oracle->lost += oracle->durable - head;
        complain(oracle, "head is %" PRIu64 ", but %" PRIu64 " were acknowledged", head,
                 oracle->durable);
        oracle->durable = head;
    }
    places_reserve(oracle, head);
    for (uint64_t seq = 0; seq < head; seq++)
        check_seq(oracle, log, seq, scratch);
    oracle->place_count = head;
    for (size_t i = 0; i < oracle->append_count; i++)
        settle_append(oracle, i, head);
    free(scratch);
    return oracle->complaint[0] == '\0';
}

/* --- What a reader sees ----------------------------------------------------------------------- */

static uint64_t digest_add(uint64_t digest, const flume_record *record)
{
    uint64_t words[] = {record->seq,  record->time_ns, record->check,      record->writer_seq,
                        record->kind, record->codec,   record->body_bytes, record->meta_bytes};

    digest = XXH3_64bits_withSeed(words, sizeof words, digest);
    digest = XXH3_64bits_withSeed(record->meta, record->meta_bytes, digest);
    return XXH3_64bits_withSeed(record->body, record->body_bytes, digest);
}

static uint64_t digest_by_get(flume_log *log)
{
    uint64_t digest = 1;

    for (uint64_t seq = 0; seq < flume_log_head(log); seq++) {
        flume_record record;

        if (flume_log_get(log, seq, &record) != FLUME_OK)
            return 0;
        digest = digest_add(digest, &record);
        flume_record_release(&record);
    }
    return digest;
}

static uint64_t digest_by_cursor(flume_log *log)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_MANIFESTS};
    flume_cursor *cursor = NULL;
    flume_record record;
    uint64_t digest = 1;
    int status = flume_cursor_open(log, &options, &cursor);

    while (status == FLUME_OK && (status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK)
        digest = digest_add(digest, &record);
    flume_cursor_close(cursor);
    return status == FLUME_END ? digest : 0;
}

uint64_t oracle_digest(flume_log *log)
{
    uint64_t digest = digest_by_get(log);

    return digest == digest_by_cursor(log) ? digest : 0;
}
