/*
 * blob_name.c - which blob a word means, and what to say where there is none (blob_forms.h).
 *
 * The grammar is that of references: what looks like a hash is the beginning of a content's hash,
 * what looks like a seq is one. A word that is neither is the name of a blob, and where none has
 * it, a label.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "ambiguous.h"
#include "blob_forms.h"
#include "object.h"
#include "resolve.h"
#include "utf8.h"

enum { NAMES_OFFERED_MAX = 20000 };

/* ---- what the library answered ---- */

int blob_name_report(struct blobbing *blobbing, int status)
{
    struct session *session = blobbing->session;
    flume_error error = {.seq = FLUME_SEQ_NONE};

    progress_end(&blobbing->asking.progress);
    flume_last_error(session->flume, &error);
    if (error.status == status && status == FLUME_ERR_DAMAGED)
        return report(session, ERROR_BLOB_DAMAGED, error.message);
    if (error.status == status && status == FLUME_ERR_ABSENT)
        return report(session, ERROR_GRAINS_ABSENT, error.message);
    return asking_report(&blobbing->asking, status);
}

/* ---- a hash ---- */

bool blob_name_is_hash(const char *word, const char **out_digits)
{
    bool is_said = strncmp(word, "hash:", 5) == 0;
    const char *digits = word + (is_said ? 5 : 0);
    size_t bytes = strlen(digits);

    if (bytes < FLUME_HASH_PREFIX_MIN || bytes > FLUME_HASH_TEXT_BYTES ||
        strspn(digits, "0123456789abcdefABCDEF") != bytes)
        return false;
    /* Digits alone are a seq, but a seq never has as many as a whole hash. */
    if (!is_said && bytes < FLUME_HASH_TEXT_BYTES && strspn(digits, "0123456789") == bytes)
        return false;
    *out_digits = digits;
    return true;
}

static void add_candidate(struct session *session, const flume_hash_candidate *candidate,
                          struct ambiguous *ambiguous)
{
    flume_blob_info info = {.seq = candidate->seq};
    struct text time = {0};
    size_t name_bytes;

    /* Without it the line is shorter. */
    if (flume_blob_stat(session->flume, candidate->seq, &info) == FLUME_OK)
        value_show_time(&time, info.time_ns);
    name_bytes = strlen(info.name);
    ambiguous_begin(ambiguous, candidate, text_c_string(&time));
    value_show_size(&ambiguous->lines, info.bytes);
    text_string(&ambiguous->lines, "  ");
    (void)utf8_show(&ambiguous->lines, info.name, name_bytes, AMBIGUOUS_CELLS);
    object_uint(&ambiguous->json, "bytes", info.bytes);
    object_bytes(&ambiguous->json, "name", info.name, name_bytes);
    ambiguous_end(ambiguous);
    text_deinit(&time);
}

static int refuse_ambiguous(struct session *session, const char *digits, size_t count,
                            const flume_hash_candidate *candidates, struct reference_place place)
{
    struct ambiguous ambiguous = {0};
    int code;

    ambiguous_gather(&ambiguous, session, place, candidates, count, add_candidate);
    code = report_with(session, &ambiguous.detail, ERROR_AMBIGUOUS_BLOB, count, digits);
    ambiguous_deinit(&ambiguous);
    return code;
}

/* The newest record of the content: it says what is said of it now. */
static int find_hash(struct blobbing *blobbing, const char *digits, struct reference_place place,
                     uint64_t *out_seq)
{
    struct session *session = blobbing->session;
    const flume_ask *ask = &blobbing->asking.ask;
    flume_hash_candidate candidates[AMBIGUOUS_MAX];
    size_t count = 0;
    int status =
        flume_blob_find_prefix(session->flume, ask, digits, candidates, AMBIGUOUS_MAX, &count);

    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(session, place, ERROR_NO_BLOB_HASH, digits);
    if (status == FLUME_ERR_AMBIGUOUS)
        return refuse_ambiguous(session, digits, count, candidates, place);
    if (status == FLUME_OK)
        status = flume_blob_find(session->flume, ask, candidates[0].hash, out_seq);
    return status == FLUME_OK ? CODE_OK : blob_name_report(blobbing, status);
}

/* ---- a name ---- */

struct offering {
    struct suggestion suggestion;
    size_t offered;
};

static int offer_name(void *ctx, const flume_label_info *info)
{
    struct offering *offering = ctx;

    suggest_offer(&offering->suggestion, info->label + strlen(FLUME_BLOB_NAME_LABEL));
    return ++offering->offered < NAMES_OFFERED_MAX ? 0 : FLUME_END;
}

static int refuse_name(struct session *session, const char *name, struct reference_place place)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    struct offering offering = {.offered = 0};
    const struct report_detail detail = {.place = place, .suggestion = &offering.suggestion};

    suggest_begin(&offering.suggestion, "", name, strlen(name));
    /* A suggestion is a kindness: if it cannot be made, there is none. */
    (void)flume_label_list(session->flume, &at_once, FLUME_BLOB_NAME_LABEL, NULL, offer_name,
                           &offering);
    return report_with(session, &detail, ERROR_NO_BLOB_NAME, name);
}

/* A label is a name, too: it means the newest record that carries it. */
static int find_label(struct blobbing *blobbing, const struct reference *reference,
                      struct reference_place place, uint64_t *out_seq)
{
    struct session *session = blobbing->session;
    char label[FLUME_LABEL_BYTES_MAX + 1];
    flume_label_info info;
    int status;

    assert(reference->bytes < sizeof(label)); /* The grammar's promise. */
    memcpy(label, reference->text, reference->bytes);
    label[reference->bytes] = '\0';
    asking_add(&blobbing->asking, "label");
    status = flume_label_get(session->flume, &blobbing->asking.ask, label, &info);
    if (status == FLUME_ERR_NOT_FOUND)
        return refuse_name(session, label, place);
    if (status != FLUME_OK)
        return blob_name_report(blobbing, status);
    return resolve(session, session->log, reference, place, out_seq);
}

static int find_name(struct blobbing *blobbing, const struct reference *reference, const char *word,
                     struct reference_place place, uint64_t *out_seq)
{
    struct session *session = blobbing->session;
    int status = FLUME_ERR_NOT_FOUND;

    /* With "label:" before it, or "~1" behind it, it is a label. */
    if (reference->text == word && word[reference->bytes] == '\0' &&
        reference->bytes <= FLUME_BLOB_NAME_BYTES_MAX)
        status = flume_blob_find_name(session->flume, &blobbing->asking.ask, word, out_seq);
    if (status == FLUME_ERR_NOT_FOUND)
        return find_label(blobbing, reference, place, out_seq);
    return status == FLUME_OK ? CODE_OK : blob_name_report(blobbing, status);
}

/* ---- any of them ---- */

static int find_seq(struct blobbing *blobbing, const struct operand *operand, uint64_t *out_seq)
{
    struct session *session = blobbing->session;
    struct reference_place place = {.token = operand->token};
    struct reference reference;
    struct fault fault;
    const char *digits;

    if (blob_name_is_hash(operand->text, &digits))
        return find_hash(blobbing, digits, place, out_seq);
    if (!reference_parse(operand->text, &reference, &fault))
        return report_word_fault(session, place, &fault);
    if (reference.form == REFERENCE_LABEL)
        return find_name(blobbing, &reference, operand->text, place, out_seq);
    return resolve(session, session->log, &reference, place, out_seq);
}

int blob_name_find(struct blobbing *blobbing, const struct operand *operand,
                   flume_blob_info *out_info)
{
    struct session *session = blobbing->session;
    struct reference_place place = {.token = operand->token};
    uint64_t seq = FLUME_SEQ_NONE;
    int code = find_seq(blobbing, operand, &seq);
    int status;

    if (code != CODE_OK)
        return code;
    status = flume_blob_stat(session->flume, seq, out_info);
    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(session, place, ERROR_NOT_A_BLOB, seq);
    return status == FLUME_OK ? CODE_OK : blob_name_report(blobbing, status);
}
