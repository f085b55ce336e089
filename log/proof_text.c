/*
 * proof_text.c - proofs as text, and back.
 *
 * Lines of a word and its values, one blank between, in this order; hashes and bytes in lower-case
 * hexadecimal digits, numbers in decimal ones without zeros before them:
 *
 *     flume proof 1                      flume consistency 1
 *     basin ID                           basin ID
 *     seq SEQ                            before HASH
 *     header BYTES                       strata FIRST COUNT ROOT
 *     meta BYTES, or - for none          (one for each strata)
 *     body HASH                          from END HASH
 *     leaf HASH                          head END HASH
 *     path HASH                          check XXH3
 *     (none, or one for each level)
 *     before HASH
 *     ... and on as on the right
 *
 * The check is XXH3 of all bytes before its line: it tells a text that was damaged on its way from
 * a proof that does not hold.
 *
 * What always holds:
 *   - A proof has one text: what parses is written again byte for byte.
 *   - Reading takes no more memory than the text is long, and a little.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "proof_memory.h"

enum {
    NUMBER_DIGITS_MAX = 20,
    META_BYTES_MAX = UINT16_MAX, /* As a grain's header can say. */
    CHECK_BYTES = 8
};

static const char record_words[] = "flume proof ";
static const char consistency_words[] = "flume consistency ";
static const char version_word[] = "1\n";

/* --- Writing --- */

struct writer {
    char *target;
    size_t room, used; /* used goes on behind room: it is what the whole takes. */
};

static void put_bytes(struct writer *writer, const char *bytes, size_t count)
{
    if (writer->used < writer->room) {
        size_t fits = writer->room - writer->used;

        memcpy(writer->target + writer->used, bytes, count < fits ? count : fits);
    }
    writer->used += count;
}

static void put_string(struct writer *writer, const char *string)
{
    put_bytes(writer, string, strlen(string));
}

static void put_number(struct writer *writer, uint64_t number)
{
    char digits[NUMBER_DIGITS_MAX + 1];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);

    put_bytes(writer, digits, (size_t)count);
}

static void put_hex(struct writer *writer, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};

        put_bytes(writer, pair, sizeof pair);
    }
}

/* A line of a word with its blank, and bytes. */
static void put_line(struct writer *writer, const char *word, const uint8_t *bytes, size_t count)
{
    put_string(writer, word);
    put_hex(writer, bytes, count);
    put_string(writer, "\n");
}

static void put_root(struct writer *writer, const char *word, const flume_root *root)
{
    put_string(writer, word);
    put_number(writer, root->end_seq);
    put_line(writer, " ", root->hash, sizeof root->hash);
}

static void put_record(struct writer *writer, const flume_proof *proof)
{
    put_string(writer, "seq ");
    put_number(writer, proof->seq);
    put_string(writer, "\n");
    put_line(writer, "header ", proof->header, sizeof proof->header);
    put_line(writer, proof->meta_bytes == 0 ? "meta -" : "meta ", proof->meta, proof->meta_bytes);
    put_line(writer, "body ", proof->body_hash, sizeof proof->body_hash);
    put_line(writer, "leaf ", proof->leaf, sizeof proof->leaf);
    for (size_t i = 0; i < proof->path_count; i++)
        put_line(writer, "path ", proof->path[i], sizeof proof->path[i]);
}

static void put_chain(struct writer *writer, const flume_consistency *chain)
{
    put_line(writer, "before ", chain->before, sizeof chain->before);
    for (size_t i = 0; i < chain->link_count; i++) {
        put_string(writer, "strata ");
        put_number(writer, chain->links[i].first_seq);
        put_string(writer, " ");
        put_number(writer, chain->links[i].count);
        put_line(writer, " ", chain->links[i].root, sizeof chain->links[i].root);
    }
    put_root(writer, "from ", &chain->from);
    put_root(writer, "head ", &chain->head);
}

static void put_check(struct writer *writer)
{
    char line[32];
    uint64_t check = 0;

    if (writer->used <= writer->room && writer->used > 0) /* Else nobody reads it. */
        check = hash_bytes(writer->target, writer->used, 0);
    (void)snprintf(line, sizeof line, "check %016" PRIx64 "\n", check);
    put_string(writer, line);
}

size_t flume_proof_text(const flume_proof *proof, char *target, size_t target_bytes)
{
    struct writer writer = {.target = target, .room = target_bytes};

    put_string(&writer, record_words);
    put_string(&writer, version_word);
    put_line(&writer, "basin ", proof->chain.basin_id, sizeof proof->chain.basin_id);
    put_record(&writer, proof);
    put_chain(&writer, &proof->chain);
    put_check(&writer);
    return writer.used;
}

size_t flume_consistency_text(const flume_consistency *consistency, char *target,
                              size_t target_bytes)
{
    struct writer writer = {.target = target, .room = target_bytes};

    put_string(&writer, consistency_words);
    put_string(&writer, version_word);
    put_line(&writer, "basin ", consistency->basin_id, sizeof consistency->basin_id);
    put_chain(&writer, consistency);
    put_check(&writer);
    return writer.used;
}

/* --- Reading --- */

/* What is left of the text; line is the number of the one that it begins in. */
struct reader {
    const char *at, *end;
    uint64_t line;
    flume_error *error;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct reader *reader, int status,
                                                        const char *format, ...)
{
    flume_error *error = reader->error;
    va_list arguments;
    int used;

    if (error == NULL)
        return status;
    *error = (flume_error){.status = status, .seq = FLUME_SEQ_NONE};
    used = snprintf(error->message, sizeof error->message, "line %" PRIu64 ": ", reader->line);
    va_start(arguments, format);
    (void)vsnprintf(error->message + used, sizeof error->message - (size_t)used, format, arguments);
    va_end(arguments);
    return status;
}

/* Whether these characters come next; they are not taken. */
static bool comes(const struct reader *reader, const char *string)
{
    size_t bytes = strlen(string);

    return (size_t)(reader->end - reader->at) >= bytes && memcmp(reader->at, string, bytes) == 0;
}

/* Take these characters: a word with its blank, or what stands between values. */
static int take(struct reader *reader, const char *string)
{
    if (comes(reader, string)) {
        reader->at += strlen(string);
        return FLUME_OK;
    }
    if (strcmp(string, "\n") == 0)
        return refuse(reader, FLUME_ERR_INVALID, "it is to end here");
    return refuse(reader, FLUME_ERR_INVALID, "'%.*s' is to stand here", (int)strcspn(string, " \n"),
                  string);
}

/* The end of a line. */
static int take_end(struct reader *reader)
{
    int status = take(reader, "\n");

    if (status == FLUME_OK)
        reader->line++;
    return status;
}

/* -1: not a digit of the one spelling. */
static int digit_of(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    return -1;
}

static int take_hex(struct reader *reader, uint8_t *target, size_t bytes)
{
    if ((size_t)(reader->end - reader->at) / 2 < bytes)
        return refuse(reader, FLUME_ERR_INVALID, "the text ends within it");
    for (size_t i = 0; i < bytes; i++, reader->at += 2) {
        int high = digit_of(reader->at[0]), low = digit_of(reader->at[1]);

        if (high < 0 || low < 0)
            return refuse(reader, FLUME_ERR_INVALID,
                          "%zu digits of 0-9 and a-f are to stand here, of which %zu are right",
                          2 * bytes, 2 * i + (high >= 0));
        target[i] = (uint8_t)(high << 4 | low);
    }
    return FLUME_OK;
}

static int take_number(struct reader *reader, uint64_t *out_number)
{
    const char *first = reader->at;
    uint64_t number = 0;

    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*reader->at - '0'), &number))
            return refuse(reader, FLUME_ERR_INVALID, "a number is too large");
    }
    if (reader->at == first)
        return refuse(reader, FLUME_ERR_INVALID, "a number is to stand here");
    if (*first == '0' && reader->at - first > 1)
        return refuse(reader, FLUME_ERR_INVALID, "a number begins with 0");
    *out_number = number;
    return FLUME_OK;
}

/* A line of a word with its blank, and so many bytes. */
static int take_line(struct reader *reader, const char *word, uint8_t *target, size_t bytes)
{
    int status = take(reader, word);

    if (status == FLUME_OK)
        status = take_hex(reader, target, bytes);
    return status == FLUME_OK ? take_end(reader) : status;
}

static int take_first_line(struct reader *reader, const char *words)
{
    uint64_t version;
    int status = take(reader, words);

    if (status == FLUME_OK)
        status = take_number(reader, &version);
    if (status != FLUME_OK)
        return refuse(reader, status, "it is not '%s1'", words);
    if (version != 1)
        return refuse(reader, FLUME_ERR_VERSION,
                      "version %" PRIu64 " is not known to this flume, which reads version 1",
                      version);
    return take_end(reader);
}

static int take_root(struct reader *reader, const char *word, flume_root *root)
{
    int status = take(reader, word);

    if (status == FLUME_OK)
        status = take_number(reader, &root->end_seq);
    return status == FLUME_OK ? take_line(reader, " ", root->hash, sizeof root->hash) : status;
}

static int take_strata(struct reader *reader, flume_root_link *link)
{
    int status = take(reader, "strata ");

    if (status == FLUME_OK)
        status = take_number(reader, &link->first_seq);
    if (status == FLUME_OK)
        status = take(reader, " ");
    if (status == FLUME_OK)
        status = take_number(reader, &link->count);
    return status == FLUME_OK ? take_line(reader, " ", link->root, sizeof link->root) : status;
}

static int take_path(struct reader *reader, flume_proof *proof)
{
    while (comes(reader, "path ")) {
        int status;

        if (proof->path_count == FLUME_PROOF_PATH_MAX)
            return refuse(reader, FLUME_ERR_INVALID, "a path has at most %d hashes",
                          (int)FLUME_PROOF_PATH_MAX);
        status = take_line(reader, "path ", proof->path[proof->path_count], FLUME_ROOT_BYTES);
        if (status != FLUME_OK)
            return status;
        proof->path_count++;
    }
    return FLUME_OK;
}

/* --- Its memory, which is asked for once --- */

/* How many lines begin with this word. */
static size_t count_lines(const struct reader *reader, const char *word)
{
    struct reader ahead = *reader;
    size_t count = 0;

    while (ahead.at < ahead.end) {
        const char *newline = memchr(ahead.at, '\n', (size_t)(ahead.end - ahead.at));

        count += comes(&ahead, word);
        ahead.at = newline == NULL ? ahead.end : newline + 1;
    }
    return count;
}

/* Bytes of the meta whose digits come next; 0 for "-". */
static int measure_meta(struct reader *reader, size_t *out_bytes)
{
    size_t digits = 0;

    while (reader->at + digits < reader->end && digit_of(reader->at[digits]) >= 0)
        digits++;
    if (comes(reader, "-"))
        reader->at++;
    else if (digits == 0 || digits % 2 != 0 || digits / 2 > META_BYTES_MAX)
        return refuse(reader, FLUME_ERR_INVALID,
                      "'-', or two digits of 0-9 and a-f for each of at most %d bytes, are to "
                      "stand here",
                      (int)META_BYTES_MAX);
    *out_bytes = digits / 2;
    return FLUME_OK;
}

/* Room for the links that come, and so much meta. */
static int make_room(struct reader *reader, const flume_allocator *allocator, size_t meta_bytes,
                     struct proof_memory **out_memory, size_t *out_link_count)
{
    *out_link_count = count_lines(reader, "strata ");
    *out_memory = proof_memory_create(allocator != NULL ? allocator : memory_default(),
                                      *out_link_count, meta_bytes);
    if (*out_memory == NULL)
        return refuse(reader, FLUME_ERR_NO_MEMORY, "no memory for %zu strata", *out_link_count);
    return FLUME_OK;
}

/* --- The parts of both --- */

static int take_chain(struct reader *reader, struct proof_memory *memory, size_t link_count,
                      flume_consistency *chain)
{
    int status = take_line(reader, "before ", chain->before, sizeof chain->before);

    if (status == FLUME_OK && link_count == 0)
        return take(reader, "strata ");
    for (size_t i = 0; i < link_count && status == FLUME_OK; i++)
        status = take_strata(reader, &memory->links[i]);
    if (status == FLUME_OK)
        status = take_root(reader, "from ", &chain->from);
    if (status == FLUME_OK)
        status = take_root(reader, "head ", &chain->head);
    chain->links = memory->links;
    chain->link_count = link_count;
    chain->memory = memory;
    return status;
}

/* The last line, behind which nothing comes. text: where all of it begins. */
static int take_check(struct reader *reader, const char *text)
{
    uint64_t expected = hash_bytes(text, (size_t)(reader->at - text), 0), check = 0;
    uint8_t bytes[CHECK_BYTES];
    int status = take(reader, "check ");

    if (status == FLUME_OK)
        status = take_hex(reader, bytes, sizeof bytes);
    if (status != FLUME_OK)
        return status;
    for (size_t i = 0; i < sizeof bytes; i++)
        check = check << 8 | bytes[i];
    if (check != expected)
        return refuse(reader, FLUME_ERR_INVALID,
                      "the check does not fit: the text is not as it was written");
    status = take_end(reader);
    if (status == FLUME_OK && reader->at != reader->end)
        return refuse(reader, FLUME_ERR_INVALID, "nothing is to stand behind the check");
    return status;
}

static int take_record(struct reader *reader, const flume_allocator *allocator,
                       struct proof_memory **out_memory, size_t *out_link_count, flume_proof *proof)
{
    int status = take(reader, "seq ");

    if (status == FLUME_OK)
        status = take_number(reader, &proof->seq);
    if (status == FLUME_OK)
        status = take_end(reader);
    if (status == FLUME_OK)
        status = take_line(reader, "header ", proof->header, sizeof proof->header);
    if (status == FLUME_OK)
        status = take(reader, "meta ");
    if (status == FLUME_OK)
        status = measure_meta(reader, &proof->meta_bytes);
    if (status == FLUME_OK)
        status = make_room(reader, allocator, proof->meta_bytes, out_memory, out_link_count);
    if (status != FLUME_OK)
        return status;
    proof->meta = (*out_memory)->meta;
    status = take_line(reader, "", (*out_memory)->meta, proof->meta_bytes);
    if (status == FLUME_OK)
        status = take_line(reader, "body ", proof->body_hash, sizeof proof->body_hash);
    if (status == FLUME_OK)
        status = take_line(reader, "leaf ", proof->leaf, sizeof proof->leaf);
    return status == FLUME_OK ? take_path(reader, proof) : status;
}

/* --- The whole --- */

/* A reader at the beginning of a text; NULL is fine for an empty one. */
static struct reader reader_of(const char *text, size_t text_bytes, flume_error *out_error)
{
    const char *at = text != NULL ? text : "";

    return (struct reader){.at = at, .end = at + text_bytes, .line = 1, .error = out_error};
}

enum flume_proof_form flume_proof_text_form(const char *text, size_t text_bytes)
{
    struct reader reader = reader_of(text, text_bytes, NULL);

    if (comes(&reader, record_words))
        return FLUME_PROOF_FORM_RECORD;
    return comes(&reader, consistency_words) ? FLUME_PROOF_FORM_CONSISTENCY : FLUME_PROOF_FORM_NONE;
}

/* A reader at the second line. */
static int begin(struct reader *reader, const char *words, const char *text, size_t text_bytes,
                 flume_error *out_error)
{
    *reader = reader_of(text, text_bytes, out_error);
    if (text_bytes > FLUME_PROOF_TEXT_BYTES_MAX)
        return refuse(reader, FLUME_ERR_TOO_LARGE, "a proof has at most %d MiB",
                      (int)FLUME_PROOF_TEXT_BYTES_MAX >> 20);
    return take_first_line(reader, words);
}

int flume_proof_parse(const char *text, size_t text_bytes, const flume_allocator *allocator,
                      flume_proof *out_proof, flume_error *out_error)
{
    struct proof_memory *memory = NULL;
    size_t link_count = 0;
    flume_proof proof = {.seq = 0};
    struct reader reader;
    int status = begin(&reader, record_words, text, text_bytes, out_error);

    if (status == FLUME_OK)
        status = take_line(&reader, "basin ", proof.chain.basin_id, sizeof proof.chain.basin_id);
    if (status == FLUME_OK)
        status = take_record(&reader, allocator, &memory, &link_count, &proof);
    if (status == FLUME_OK)
        status = take_chain(&reader, memory, link_count, &proof.chain);
    if (status == FLUME_OK)
        status = take_check(&reader, text);
    if (status != FLUME_OK)
        goto fail;
    *out_proof = proof;
    return FLUME_OK;
fail:
    proof_memory_destroy(memory);
    return status;
}

int flume_consistency_parse(const char *text, size_t text_bytes, const flume_allocator *allocator,
                            flume_consistency *out_consistency, flume_error *out_error)
{
    struct proof_memory *memory = NULL;
    size_t link_count = 0;
    flume_consistency consistency = {.link_count = 0};
    struct reader reader;
    int status = begin(&reader, consistency_words, text, text_bytes, out_error);

    if (status == FLUME_OK)
        status = take_line(&reader, "basin ", consistency.basin_id, sizeof consistency.basin_id);
    if (status == FLUME_OK)
        status = make_room(&reader, allocator, 0, &memory, &link_count);
    if (status == FLUME_OK)
        status = take_chain(&reader, memory, link_count, &consistency);
    if (status == FLUME_OK)
        status = take_check(&reader, text);
    if (status != FLUME_OK)
        goto fail;
    *out_consistency = consistency;
    return FLUME_OK;
fail:
    proof_memory_destroy(memory);
    return status;
}
