/*
 * input.c - cutting a stream into records (input.h).
 *
 * data[begin .. end) is what was read and not given out; the record being looked at begins at
 * `begin`, and begin <= looked <= end.
 */
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

enum { INPUT_READ_BYTES = 256 << 10 };

void input_init(struct input *input, int descriptor, enum input_split split,
                size_t record_bytes_max)
{
    *input = (struct input){.descriptor = descriptor,
                            .stop_descriptor = -1,
                            .split = split,
                            .record_bytes_max = record_bytes_max,
                            .line = 1,
                            .next_line = 1};
}

/* Give out data[begin .. begin + bytes) and go on behind `next`. */
static enum input_answer give(struct input *input, size_t bytes, size_t next, const char **out_data,
                              size_t *out_bytes)
{
    input->number++;
    if (bytes > input->record_bytes_max)
        return INPUT_TOO_LARGE;
    *out_data = input->data + input->begin;
    *out_bytes = bytes;
    input->begin = input->looked = next;
    return INPUT_RECORD;
}

/* Nothing complete yet: too much already, or more to come? */
static enum input_answer incomplete(struct input *input)
{
    if (input->end - input->begin > input->record_bytes_max) {
        input->number++;
        return INPUT_TOO_LARGE;
    }
    return INPUT_EMPTY;
}

static enum input_answer next_piece(struct input *input, char separator, const char **out_data,
                                    size_t *out_bytes)
{
    const char *found = NULL;

    input->line = input->next_line;
    if (input->end > input->looked)
        found = memchr(input->data + input->looked, separator, input->end - input->looked);
    if (found != NULL) {
        size_t at = (size_t)(found - input->data);

        input->next_line++;
        return give(input, at - input->begin, at + 1, out_data, out_bytes);
    }
    input->looked = input->end;
    if (!input->at_end)
        return incomplete(input);
    if (input->begin == input->end)
        return INPUT_END;
    return give(input, input->end - input->begin, input->end, out_data, out_bytes);
}

/* White space between values; true if a value begins at begin. */
static bool skip_space(struct input *input)
{
    for (; input->begin < input->end; input->begin++) {
        char c = input->data[input->begin];

        if (c == '\n')
            input->next_line++;
        /* A record separator, as RFC 7464 puts before each value, counts as white space. */
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\x1e')
            break;
    }
    input->looked = input->begin;
    return input->begin < input->end;
}

static enum input_answer give_value(struct input *input, size_t end, const char **out_data,
                                    size_t *out_bytes)
{
    input->in_value = false;
    if (!utf8_valid(input->data + input->begin, end - input->begin)) {
        input->number++;
        return INPUT_BAD_JSON;
    }
    return give(input, end - input->begin, end, out_data, out_bytes);
}

static enum input_answer next_value(struct input *input, const char **out_data, size_t *out_bytes)
{
    if (!input->in_value) {
        if (!skip_space(input))
            return input->at_end ? INPUT_END : INPUT_EMPTY;
        json_scan_begin(&input->scanner);
        input->in_value = true;
        input->line = input->next_line;
    }
    while (input->looked < input->end) {
        uint8_t byte = (uint8_t)input->data[input->looked];
        enum json_scan_answer answer = json_scan_feed(&input->scanner, byte);

        if (answer == JSON_SCAN_BEFORE)
            return give_value(input, input->looked, out_data, out_bytes);
        input->looked++;
        if (byte == '\n')
            input->next_line++;
        if (answer == JSON_SCAN_DONE)
            return give_value(input, input->looked, out_data, out_bytes);
        if (answer == JSON_SCAN_ERROR) {
            input->number++;
            return INPUT_BAD_JSON;
        }
    }
    if (!input->at_end)
        return incomplete(input);
    if (json_scan_may_end(&input->scanner))
        return give_value(input, input->end, out_data, out_bytes);
    input->number++;
    return INPUT_BAD_JSON;
}

enum input_answer input_next(struct input *input, const char **out_data, size_t *out_bytes)
{
    switch (input->split) {
    case INPUT_LINE:
        return next_piece(input, '\n', out_data, out_bytes);
    case INPUT_NUL:
        return next_piece(input, '\0', out_data, out_bytes);
    case INPUT_JSON:
        return next_value(input, out_data, out_bytes);
    default:
        break;
    }
    if (!input->at_end)
        return incomplete(input);
    if (input->number != 0) /* The whole is one record, also when it is empty. */
        return INPUT_END;
    return give(input, input->end - input->begin, input->end, out_data, out_bytes);
}

/* Room for one more read behind `end`. */
static int make_room(struct input *input)
{
    size_t used = input->end - input->begin;
    size_t capacity = input->capacity == 0 ? 2 * (size_t)INPUT_READ_BYTES : input->capacity;
    char *data;

    if (input->begin != 0) {
        memmove(input->data, input->data + input->begin, used);
        input->looked -= input->begin;
        input->begin = 0;
        input->end = used;
    }
    while (capacity - used < INPUT_READ_BYTES)
        capacity *= 2;
    if (capacity == input->capacity)
        return 0;
    data = realloc(input->data, capacity);
    if (data == NULL)
        return -ENOMEM;
    input->data = data;
    input->capacity = capacity;
    return 0;
}

/* Until there is something to read, or nothing to wait for. */
static int wait_for_input(const struct input *input)
{
    struct pollfd either[] = {{.fd = input->descriptor, .events = POLLIN},
                              {.fd = input->stop_descriptor, .events = POLLIN}};

    if (input->stop_descriptor == -1)
        return 0;
    while (poll(either, 2, -1) < 0)
        if (errno != EINTR)
            return -errno;
    return either[1].revents != 0 ? -ECANCELED : 0;
}

int input_fill(struct input *input)
{
    int status = make_room(input);
    ssize_t got;

    if (status == 0)
        status = wait_for_input(input);
    if (status != 0)
        return status;
    do {
        got = read(input->descriptor, input->data + input->end, INPUT_READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    if (got == 0)
        input->at_end = true;
    input->end += (size_t)got;
    return 0;
}

void input_deinit(struct input *input)
{
    free(input->data);
    input->data = NULL;
    input->begin = input->end = input->looked = input->capacity = 0;
}
