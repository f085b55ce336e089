/*
 * records.c - records that look like real ones. See store_bench.h.
 *
 * Values vary as they do in the logs of services: few hosts and services, some often and most
 * seldom; messages with numbers in them; ids that nothing can compress. The time rises by some
 * milliseconds from record to record.
 */
#include "store_bench.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    POOL_RECORDS = 16384, /* As far apart as equal records are: beyond any block. */
    SERVICES = 8,
    MESSAGES = 6,
    HOSTS = 24,
    ITEMS_MIN = 6,
    ITEMS = 4,
    ID_DIGITS = 8
};

/* Each begins with its id, which is put in last. */
static const char id_begin[] = "{\"id\":\"";

static const char *const services[SERVICES] = {"gateway", "checkout", "catalog", "session",
                                               "billing", "search",   "mailer",  "stock"};
static const char *const messages[MESSAGES] = {
    "request done in time", "cache entry refreshed", "order accepted",
    "retry after timeout",  "user signed in",        "slow query on table orders"};
static const char *const levels[] = {"info", "info", "info", "debug", "warn", "error"};
static const char *const regions[] = {"eu-central", "eu-west", "us-east"};
static const char *const methods[] = {"GET", "GET", "GET", "POST", "PUT", "DELETE"};
static const char *const goods[] = {"teapot",       "garden hose",   "desk lamp", "notebook, ruled",
                                    "bicycle pump", "olive oil 1 l", "wool socks"};

static uint64_t below(uint64_t *io_state, uint64_t bound)
{
    return random_next(io_state) % bound;
}

/* Small numbers often, large ones seldom. */
static uint64_t skewed(uint64_t *io_state, uint64_t bound)
{
    uint64_t first = below(io_state, bound), second = below(io_state, bound);

    return first < second ? first : second;
}

static int put_time(char *target, size_t room, uint64_t ms)
{
    return snprintf(target, room, "2026-03-%02uT%02u:%02u:%02u.%03uZ",
                    (unsigned)(1 + ms / 86400000 % 28), (unsigned)(ms / 3600000 % 24),
                    (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
}

/* A line of a service's log. */
static size_t make_line(char *target, uint64_t *io_state, uint64_t ms, const char *service)
{
    char time[32];
    int bytes;

    (void)put_time(time, sizeof(time), ms);
    bytes = snprintf(
        target, RECORD_BYTES_MAX,
        "%s%08x\",\"ts\":\"%s\",\"region\":\"%s\",\"host\":\"node-%02u\",\"svc\":\"%s\","
        "\"lvl\":\"%s\",\"msg\":\"%s\",\"user\":%u,\"path\":\"/api/v1/%s/%u\",\"ms\":%u.%03u}",
        id_begin, 0, time, regions[skewed(io_state, 3)], (unsigned)skewed(io_state, HOSTS), service,
        levels[skewed(io_state, 6)], messages[below(io_state, MESSAGES)],
        (unsigned)skewed(io_state, 50000), service, (unsigned)skewed(io_state, 10000),
        (unsigned)skewed(io_state, 300), (unsigned)below(io_state, 1000));
    return (size_t)bytes;
}

/* An order with its items. */
static size_t make_order(char *target, uint64_t *io_state, uint64_t ms, const char *service)
{
    size_t room = RECORD_BYTES_MAX, at;
    unsigned items = ITEMS_MIN + (unsigned)below(io_state, ITEMS);
    char time[32];

    (void)put_time(time, sizeof(time), ms);
    at = (size_t)snprintf(
        target, room,
        "%s%08x\",\"ts\":\"%s\",\"host\":\"node-%02u\",\"svc\":\"%s\",\"method\":\"%s\","
        "\"user\":{\"id\":%u,\"name\":\"user%u\",\"mail\":\"user%u@example.org\"},\"items\":[",
        id_begin, 0, time, (unsigned)skewed(io_state, HOSTS), service, methods[below(io_state, 6)],
        (unsigned)skewed(io_state, 50000), (unsigned)below(io_state, 50000),
        (unsigned)below(io_state, 50000));
    for (unsigned i = 0; i < items; i++)
        at += (size_t)snprintf(
            target + at, room - at,
            "%s{\"sku\":\"%c%05u\",\"name\":\"%s\",\"count\":%u,\"price\":%u.%02u,"
            "\"stock\":%u,\"discount\":%s}",
            i > 0 ? "," : "", (int)('A' + below(io_state, 26)), (unsigned)below(io_state, 100000),
            goods[below(io_state, 7)], 1 + (unsigned)skewed(io_state, 9),
            (unsigned)skewed(io_state, 200), (unsigned)below(io_state, 100),
            (unsigned)skewed(io_state, 4000), below(io_state, 8) == 0 ? "true" : "false");
    at += (size_t)snprintf(
        target + at, room - at, "],\"trace\":\"%016llx%016llx\",\"note\":\"%s\",\"total\":%u.%02u}",
        (unsigned long long)random_next(io_state), (unsigned long long)random_next(io_state),
        messages[below(io_state, MESSAGES)], (unsigned)skewed(io_state, 900),
        (unsigned)below(io_state, 100));
    return at;
}

static size_t make_random(char *target, uint64_t *io_state)
{
    enum { RANDOM_BYTES = 1000 };

    for (size_t at = 0; at < RANDOM_BYTES; at += 8) {
        uint64_t word = random_next(io_state);

        memcpy(target + at, &word, sizeof(word));
    }
    return RANDOM_BYTES;
}

static const char *fill_pool(struct records *records, uint64_t seed)
{
    uint64_t ms = 0;
    size_t at = 0;

    for (size_t i = 0; i < POOL_RECORDS; i++) {
        const char *service = services[skewed(&seed, SERVICES)];
        char *target = (char *)records->pool + at;

        records->begins[i] = (uint32_t)at;
        records->labels[i] = service;
        ms += skewed(&seed, 40);
        switch (records->kind) {
        case RECORDS_JSON_200:
            at += make_line(target, &seed, ms, service);
            break;
        case RECORDS_JSON_1000:
            at += make_order(target, &seed, ms, service);
            break;
        default:
            records->labels[i] = NULL;
            at += make_random(target, &seed);
            break;
        }
    }
    records->begins[POOL_RECORDS] = (uint32_t)at;
    records->total_bytes = at;
    switch (records->kind) {
    case RECORDS_JSON_200:
        return "200B_json";
    case RECORDS_JSON_1000:
        return "1000B_json";
    default:
        return "1000B_random";
    }
}

int records_create(struct records *out_records, enum record_kind kind, uint64_t seed)
{
    struct records records = {.kind = kind};

    records.pool = malloc((size_t)POOL_RECORDS * RECORD_BYTES_MAX);
    records.begins = calloc(POOL_RECORDS + 1, sizeof(*records.begins));
    records.labels = calloc(POOL_RECORDS, sizeof(*records.labels));
    *out_records = records;
    if (records.pool == NULL || records.begins == NULL || records.labels == NULL)
        return bench_fail("no memory for records");
    out_records->name = fill_pool(out_records, seed);
    return 0;
}

void records_destroy(struct records *records)
{
    free(records->pool);
    free(records->begins);
    free(records->labels);
    *records = (struct records){.pool = NULL};
}

size_t record_make(const struct records *records, uint64_t number, uint8_t *target)
{
    static const char digits[] = "0123456789abcdef";
    const uint32_t *begin = &records->begins[number % POOL_RECORDS];
    size_t bytes = begin[1] - begin[0];
    uint64_t state = number, noise = random_next(&state);
    uint32_t id = (uint32_t)number * UINT32_C(2654435761); /* Odd: no two are equal. */

    memcpy(target, records->pool + begin[0], bytes);
    if (records->kind == RECORDS_RANDOM_1000) {
        memcpy(target, &noise, sizeof(noise));
        return bytes;
    }
    for (size_t i = 0; i < ID_DIGITS; i++)
        target[sizeof(id_begin) - 1 + i] = (uint8_t)digits[id >> (4 * i) & 15];
    return bytes;
}

const char *record_label(const struct records *records, uint64_t number)
{
    return records->labels[number % POOL_RECORDS];
}

uint64_t records_bytes(const struct records *records, uint64_t count)
{
    return count / POOL_RECORDS * records->total_bytes + records->begins[count % POOL_RECORDS];
}
