#include <flume/flume.h>
#include <semaphore.h>
#include <stdio.h>

static int print_record(void *ctx, const flume_record *record)
{
    printf("%llu: %.*s\n", (unsigned long long)record->seq, (int)record->body_bytes,
           (const char *)record->body);
    sem_post(ctx);
    return 0; /* Anything else would end the subscription. */
}

int main(void)
{
    const char text[] = "42 grains of sand";
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .program = "embed"};
    flume_subscribe_options from_now = {.cursor.flags = FLUME_CURSOR_NEW_ONLY};
    flume_subscription *subscription = NULL;
    flume_log *log = NULL;
    flume_error error;
    sem_t printed;
    uint64_t seq = 0;
    int status = flume_log_open(&log, "sand.flume", &options, &error);

    if (status != FLUME_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    sem_init(&printed, 0, 0);
    status = flume_subscribe(log, &from_now, print_record, &printed, &subscription);
    if (status == FLUME_OK)
        status = flume_log_append(log, text, sizeof text - 1, &seq);
    if (status == FLUME_OK)
        status = flume_log_sync(log, seq); /* Now a power cut cannot take it back. */
    if (status == FLUME_OK)
        sem_wait(&printed);
    flume_unsubscribe(subscription);
    flume_log_close(log);
    return status != FLUME_OK;
}
