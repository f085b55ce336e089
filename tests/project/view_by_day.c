#define _POSIX_C_SOURCE 200809L
#include <flume/flume.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The view: how many records each day has. */
static int count_day(void *state, flume_batch *batch, const flume_record *record)
{
    time_t seconds = (time_t)(record->time_ns / 1000000000);
    uint64_t one = 1;
    char day[32];
    struct tm utc;

    (void)state;
    strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&seconds, &utc));
    return flume_batch_put(batch, 0, day, strlen(day), &one, sizeof one);
}

static const flume_view_table tables[] = {
    {.name = "day", .flags = FLUME_TABLE_COLLECT, .merge = flume_merge_sum}};
static const flume_view_definition by_day = {
    .name = "by-day", .version = 1, .tables = tables, .table_count = 1, .apply = count_day};

/* A program that appends a record and asks for all days: its own record is among them. */
int main(void)
{
    const flume_view_definition *definitions[] = {&by_day};
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE, .program = "by_day"},
                             .definitions = definitions,
                             .definition_count = 1};
    flume *basin = NULL;
    flume_view *view = NULL;
    flume_rows *rows = NULL;
    flume_bytes day, count;
    flume_error error;
    uint64_t number;

    if (flume_open(&basin, "sand.flume", &options, &error) != FLUME_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    if (flume_log_append(flume_log_of(basin), "one more", 8, NULL) != FLUME_OK ||
        flume_view_find(basin, "by-day", &view) != FLUME_OK ||
        flume_view_read(view, NULL, &rows) != FLUME_OK)
        return 1;
    flume_rows_seek(rows, 0, NULL, 0);
    while (flume_rows_next(rows, &day, &count) == FLUME_OK) {
        memcpy(&number, count.data, sizeof number);
        printf("%.*s: %llu\n", (int)day.bytes, (const char *)day.data, (unsigned long long)number);
    }
    flume_rows_end(rows);
    return flume_close(basin) != FLUME_OK;
}
