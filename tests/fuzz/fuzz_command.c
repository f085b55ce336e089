/*
 * fuzz_command.c - libFuzzer on the command line: any words are parsed or refused with a place.
 *
 * The input's lines are the words. Checked besides not crashing: an error names a word that is
 * there, and a place inside it; what is accepted has a command with as many operands as it takes.
 * The JSON scanner, the other reader of foreign bytes in the program, gets the same input whole and
 * in pieces.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "invocation.h"
#include "json_scan.h"
#include "text.h"
#include "utf8.h"

enum { WORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_error(const struct parse_error *error, int argc, const char *const *argv)
{
    assert(error->token >= 0 && error->token < argc);
    assert(strlen(error->cause) > 0);
    if (error->token > 0)
        assert(error->at <= strlen(argv[error->token]));
}

static void check_accepted(const struct invocation *invocation)
{
    size_t count = invocation->operand_count;

    if (invocation->command == NULL) {
        assert(count == 0);
        return;
    }
    assert(count <= invocation->command->operand_max);
    for (size_t i = 0; i < invocation->option_count; i++)
        assert(invocation_has(invocation, invocation->options[i].id));
    for (size_t i = 0; i < count; i++)
        assert(invocation->operands[i].token > 0);
}

static void parse_words(char *line)
{
    const char *argv[WORDS_MAX + 1] = {"flume"};
    struct invocation invocation;
    struct parse_error error;
    int argc = 1;
    char *rest = line, *word;

    while (argc < WORDS_MAX && (word = strsep(&rest, "\n")) != NULL)
        argv[argc++] = word;
    if (invocation_parse(argc, argv, &invocation, &error))
        check_accepted(&invocation);
    else
        check_error(&error, argc, argv);
    invocation_release(&invocation);
}

/* What is shown of any bytes is UTF-8 without control characters. */
static void show_bytes(const uint8_t *data, size_t bytes)
{
    struct text shown = {0};

    utf8_show(&shown, data, bytes, bytes % 80);
    assert(shown.failed || utf8_valid(shown.data, shown.bytes));
    for (size_t i = 0; i < shown.bytes; i++)
        assert((unsigned char)shown.data[i] >= 0x20 && shown.data[i] != 0x7F);
    text_deinit(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *line = malloc(bytes + 1);

    if (line == NULL)
        return 0;
    memcpy(line, data, bytes);
    line[bytes] = '\0';
    (void)json_scan_valid(data, bytes); /* Either answer is right; it must only come. */
    show_bytes(data, bytes);
    parse_words(line);
    free(line);
    return 0;
}
