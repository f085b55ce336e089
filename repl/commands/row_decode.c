/*
 * row_decode.c - a row of a view, made readable (row_decode.h).
 */
#include "row_decode.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "row_bytes.h"
#include "row_decode_scope.h"
#include "utf8.h"

enum { SEQ_BYTES = ROW_SEQ_BYTES, HASH_PREFIX_BYTES = 8, LABEL_NUMBERS = 4 };

/* What a field's key begins with: the type of the value. */
enum { FIELD_NULL = 1, FIELD_FALSE = 2, FIELD_TRUE = 3, FIELD_NUMBER = 4, FIELD_TEXT = 5 };
enum { FIELD_NUMBER_BYTES = 10, FIELD_CUT_BYTES = 16 /* Behind a text that was cut: its hash. */ };

/* A bookmark, a declaration, a group of a fold. */
enum {
    MARK_DROPPED = 1,
    MARK_SEQ_AT = 1,
    MARK_RECORD_AT = 17,
    MARK_TIME_AT = 25,
    MARK_NOTE_AT = 33
};
enum {
    CATALOG_SEQ_AT = 4,
    CATALOG_DROPPED_AT = 12,
    CATALOG_WHAT_AT = 13,
    CATALOG_TYPE_AT = 14,
    CATALOG_UNIQUE_AT = 15,
    CATALOG_REDUCE_AT = 16,
    CATALOG_BY_LABEL_AT = 17,
    CATALOG_PATH_AT = 18
};
enum { GROUP_COUNT_BYTES = 8, GROUP_WORDS_AT = 10, GROUP_TYPE_AT = 16, GROUP_VALUE_AT = 17 };
/* What the view "blob" says of one, and before it, by seq, the hash. */
enum { BLOB_BYTES_AT = 1, BLOB_CHUNKS_AT = 9, BLOB_VALUE_BYTES = 17 };
enum { SUM_WORDS = 34, SUM_UNIT_BITS = 1074 };

static bool is_printable(const uint8_t *source, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (source[i] < 0x20 || source[i] == 0x7F)
            return false;
    return utf8_valid(source, bytes);
}

static void add_bytes(struct text *text, const uint8_t *source, size_t bytes)
{
    if (is_printable(source, bytes)) {
        text_add(text, source, bytes);
        return;
    }
    text_string(text, "0x");
    row_add_hex(text, source, bytes);
}

/* ---- decoding ---- */

static bool decode_hash(const uint8_t *key, size_t bytes, struct shown_row *row)
{
    if (bytes != HASH_PREFIX_BYTES + SEQ_BYTES)
        return false;
    row_add_hex(&row->key, key, HASH_PREFIX_BYTES);
    row->seq = row_get_big(key + HASH_PREFIX_BYTES);
    return true;
}

static bool decode_label(const uint8_t *key, size_t bytes, struct shown_row *row)
{
    if (bytes < SEQ_BYTES + 2 || key[bytes - SEQ_BYTES - 1] != '\0')
        return false;
    text_add(&row->key, key, bytes - SEQ_BYTES - 1);
    row->seq = row_get_big(key + bytes - SEQ_BYTES);
    return true;
}

static bool decode_label_count(const uint8_t *key, size_t bytes, const flume_bytes *value,
                               struct shown_row *row)
{
    const uint8_t *numbers = value->data;

    if (value->bytes != LABEL_NUMBERS * SEQ_BYTES)
        return false;
    text_add(&row->key, key, bytes);
    text_format(&row->value, "%" PRIu64 " records, %" PRIu64 " bytes, @%" PRIu64 " to @%" PRIu64,
                row_get_little(numbers), row_get_little(numbers + SEQ_BYTES),
                row_get_little(numbers + 2 * SEQ_BYTES), row_get_little(numbers + 3 * SEQ_BYTES));
    return true;
}

/* A text of a field's key, where a zero byte is followed by 0xff, and two that differ end it.
 * Returns the bytes taken, 0 if it has no end. */
static size_t decode_field_text(const uint8_t *key, size_t bytes, struct text *target)
{
    for (size_t at = 0; at + 1 < bytes; at++) {
        if (key[at] != 0) {
            text_add(target, key + at, 1);
        } else if (key[at + 1] == 0xFF) {
            text_char(target, '\0');
            at++;
        } else {
            bool was_cut = key[at + 1] != 0;

            text_string(target, was_cut ? "..." : "");
            return at + 2 + (was_cut ? FIELD_CUT_BYTES : 0);
        }
    }
    return 0;
}

/* The bits of a double, turned so that they sort. */
static double decode_number(const uint8_t *key)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t bits = row_get_big(key);
    double number;

    bits = (bits & sign) != 0 ? bits & ~sign : ~bits;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

/* Returns the bytes that the value takes; 0 if it is none. */
static size_t decode_field_value(const uint8_t *key, size_t bytes, struct text *target)
{
    static const char *const words[] = {
        [FIELD_NULL] = "null", [FIELD_FALSE] = "false", [FIELD_TRUE] = "true"};
    size_t taken;

    switch (key[0]) {
    case FIELD_NULL:
    case FIELD_FALSE:
    case FIELD_TRUE:
        text_string(target, words[key[0]]);
        return 1;
    case FIELD_NUMBER:
        if (bytes < 1 + FIELD_NUMBER_BYTES)
            return 0;
        text_format(target, "%.17g", decode_number(key + 1));
        return 1 + FIELD_NUMBER_BYTES;
    case FIELD_TEXT:
        taken = decode_field_text(key + 1, bytes - 1, target);
        return taken == 0 ? 0 : taken + 1;
    default:
        return 0;
    }
}

static bool decode_field(const uint8_t *key, size_t bytes, const flume_bytes *value,
                         struct shown_row *row)
{
    size_t taken = decode_field_value(key, bytes, &row->key);

    if (taken != 0 && bytes == taken + SEQ_BYTES) {
        row->seq = row_get_big(key + taken);
        return true;
    }
    if (taken != 0 && bytes == taken && value->bytes == SEQ_BYTES) {
        row->seq = row_get_big(value->data);
        return true;
    }
    text_clear(&row->key);
    return false;
}

static bool decode_field_count(const flume_bytes *key, const flume_bytes *value,
                               struct shown_row *row)
{
    uint64_t counts[4];

    if (value->bytes != sizeof(counts))
        return false;
    memcpy(counts, value->data, sizeof(counts)); /* In host order. */
    text_add(&row->key, key->data, key->bytes);
    text_format(&row->value,
                "%" PRIu64 " indexed, %" PRIu64 " not JSON, %" PRIu64 " lack it, %" PRIu64
                " of another type",
                counts[0], counts[1], counts[2], counts[3]);
    return true;
}

/* ---- blobs ---- */

static bool add_blob(struct text *text, const uint8_t *value)
{
    static const char *const forms[] = {"", "inline", "chunked", "again"};
    uint64_t chunks = row_get_little(value + BLOB_CHUNKS_AT);

    if (value[0] == 0 || value[0] >= sizeof(forms) / sizeof(forms[0]))
        return false;
    text_format(text, "%s, %" PRIu64 " bytes", forms[value[0]],
                row_get_little(value + BLOB_BYTES_AT));
    if (chunks != 0)
        text_format(text, ", %" PRIu64 " chunk%s", chunks, chunks == 1 ? "" : "s");
    return true;
}

static bool decode_blob(const uint8_t *key, size_t bytes, const flume_bytes *value,
                        struct shown_row *row)
{
    if (bytes != FLUME_HASH_BYTES + SEQ_BYTES || value->bytes != BLOB_VALUE_BYTES)
        return false;
    row_add_hex(&row->key, key, FLUME_HASH_BYTES);
    row->seq = row_get_big(key + FLUME_HASH_BYTES);
    return add_blob(&row->value, value->data);
}

static bool decode_blob_record(const uint8_t *key, size_t bytes, const flume_bytes *value,
                               struct shown_row *row)
{
    const uint8_t *hash = value->data;

    if (bytes != SEQ_BYTES || value->bytes != FLUME_HASH_BYTES + BLOB_VALUE_BYTES)
        return false;
    row->seq = row_get_big(key);
    text_format(&row->key, "%" PRIu64, row->seq);
    row_add_hex(&row->value, hash, FLUME_HASH_BYTES);
    text_string(&row->value, ", ");
    return add_blob(&row->value, hash + FLUME_HASH_BYTES);
}

/* ---- bookmarks ---- */

/* A text with its NUL at *io_at; NULL if it does not end. *io_at goes behind it. */
static const char *take_string(const flume_bytes *value, size_t *io_at)
{
    const char *text = (const char *)value->data + *io_at;
    size_t left = value->bytes - *io_at, bytes = strnlen(text, left);

    if (bytes == left)
        return NULL;
    *io_at += bytes + 1;
    return text;
}

static void add_detail(struct text *text, const char *before, const char *detail)
{
    if (*detail != '\0')
        text_format(text, "%s%s%s", text->bytes == 0 ? "" : ", ", before, detail);
}

static bool decode_mark(const flume_bytes *value, struct shown_row *row)
{
    const uint8_t *bytes = value->data;
    size_t at = MARK_NOTE_AT;
    const char *mark_note, *labels;

    if (value->bytes < MARK_NOTE_AT + 2)
        return false;
    mark_note = take_string(value, &at);
    labels = mark_note == NULL || at == value->bytes ? NULL : take_string(value, &at);
    if (labels == NULL)
        return false;
    if ((bytes[0] & MARK_DROPPED) != 0)
        text_string(&row->value, "dropped");
    else
        row->seq = row_get_little(bytes + MARK_SEQ_AT);
    text_format(&row->value, "%sset by @%" PRIu64 " at ", row->value.bytes == 0 ? "" : ", ",
                row_get_little(bytes + MARK_RECORD_AT));
    value_show_time(&row->value, row_get_little(bytes + MARK_TIME_AT));
    add_detail(&row->value, "note: ", mark_note);
    add_detail(&row->value, "labels: ", labels);
    return true;
}

static bool decode_mark_history(const uint8_t *key, size_t bytes, const flume_bytes *value,
                                struct shown_row *row)
{
    if (bytes < SEQ_BYTES + 2 || key[bytes - SEQ_BYTES - 1] != '\0')
        return false;
    text_add(&row->key, key, bytes - SEQ_BYTES - 1);
    return decode_mark(value, row);
}

/* ---- declarations ---- */

static void add_kind_of_view(struct text *text, const uint8_t *bytes, const char *path,
                             const char *by_path)
{
    static const char *const folds[] = {"", "count", "sum", "min", "max", "last"};
    static const char *const types[] = {"", "text", "number"};
    unsigned fold = bytes[CATALOG_REDUCE_AT], type = bytes[CATALOG_TYPE_AT];

    if (bytes[CATALOG_WHAT_AT] == FLUME_DECLARED_FIELD) {
        add_detail(text, "field ", path);
        add_detail(text, "", type < sizeof(types) / sizeof(types[0]) ? types[type] : "?");
        add_detail(text, "", bytes[CATALOG_UNIQUE_AT] != 0 ? "unique" : "");
        return;
    }
    add_detail(text, "", fold < sizeof(folds) / sizeof(folds[0]) ? folds[fold] : "?");
    if (*path != '\0')
        text_format(text, " of %s", path);
    if (bytes[CATALOG_BY_LABEL_AT] != 0)
        text_string(text, " by label");
    else if (*by_path != '\0')
        text_format(text, " by %s", by_path);
}

static bool decode_declaration(const flume_bytes *value, struct shown_row *row)
{
    const uint8_t *bytes = value->data;
    const char *texts[3];
    size_t at = CATALOG_PATH_AT;

    if (value->bytes < CATALOG_PATH_AT + 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        texts[i] = at == value->bytes ? NULL : take_string(value, &at);
        if (texts[i] == NULL)
            return false;
    }
    row->seq = row_get_little(bytes + CATALOG_SEQ_AT);
    text_format(&row->value, "version %u",
                (unsigned)(bytes[0] | bytes[1] << 8 | bytes[2] << 16) | (unsigned)bytes[3] << 24);
    if (bytes[CATALOG_DROPPED_AT] != 0) {
        text_string(&row->value, ", dropped");
        return true;
    }
    add_kind_of_view(&row->value, bytes, texts[0], texts[1]);
    add_detail(&row->value, "only label ", texts[2]);
    return true;
}

/* ---- folds ---- */

/* An integer in two's complement, in units of 2^-1074, of which the words from `first` on are
 * stored. As a double: a digit at the end may differ from what find says, which is exact. */
static double decode_exact_sum(const uint8_t *words, unsigned first, unsigned count)
{
    bool is_negative = count > 0 && (words[count * SEQ_BYTES - 1] & 0x80) != 0;
    double sum = 0;

    for (unsigned i = count; i-- > 0;) {
        uint64_t word = row_get_little(words + i * SEQ_BYTES);
        bool is_lowest = true;

        for (unsigned k = 0; is_negative && k < i; k++)
            is_lowest = is_lowest && row_get_little(words + k * SEQ_BYTES) == 0;
        if (is_negative) /* The negation: inverted, and 1 carried through zeros. */
            word = ~word + (is_lowest ? 1 : 0);
        sum += ldexp((double)word, (int)(64 * (first + i)) - SUM_UNIT_BITS);
    }
    return is_negative ? -sum : sum;
}

static bool decode_found(const uint8_t *bytes, size_t count, struct shown_row *row)
{
    const uint8_t *value = bytes + GROUP_VALUE_AT;
    size_t left;

    if (count <= GROUP_VALUE_AT)
        return false;
    left = count - GROUP_VALUE_AT;
    row->seq = row_get_little(bytes + GROUP_COUNT_BYTES);
    text_string(&row->value, ", ");
    if (bytes[GROUP_TYPE_AT] == FIELD_NUMBER && left == FIELD_NUMBER_BYTES)
        text_format(&row->value, "%.17g", decode_number(value));
    else if (bytes[GROUP_TYPE_AT] == FIELD_TEXT)
        add_bytes(&row->value, value, left);
    else
        return false;
    return true;
}

static bool decode_group(const uint8_t *key, size_t key_bytes, const flume_bytes *value,
                         struct shown_row *row)
{
    const uint8_t *bytes = value->data;
    size_t sum_bytes = value->bytes < GROUP_WORDS_AT ? 0 : (size_t)bytes[9] * SEQ_BYTES;

    if (key_bytes < 1 || key[0] != 1 || value->bytes < GROUP_COUNT_BYTES)
        return false;
    add_bytes(&row->key, key + 1, key_bytes - 1);
    text_format(&row->value, "%" PRIu64 " records", row_get_little(bytes));
    if (value->bytes == GROUP_COUNT_BYTES)
        return true;
    if (value->bytes >= GROUP_WORDS_AT && value->bytes == GROUP_WORDS_AT + sum_bytes &&
        bytes[8] + bytes[9] <= SUM_WORDS) {
        text_format(&row->value, ", sum %.15g",
                    decode_exact_sum(bytes + GROUP_WORDS_AT, bytes[8], bytes[9]));
        return true;
    }
    return decode_found(bytes, value->bytes, row);
}

static bool decode_sum(const uint8_t *key, size_t bytes, const flume_bytes *value,
                       struct shown_row *row)
{
    uint64_t number;

    if (value->bytes % sizeof(number) != 0)
        return false;
    add_bytes(&row->key, key, bytes);
    for (size_t at = 0; at < value->bytes; at += sizeof(number)) {
        memcpy(&number, (const uint8_t *)value->data + at, sizeof(number));
        text_format(&row->value, "%s%" PRIu64, at == 0 ? "" : " ", number);
    }
    return true;
}

void row_decode(enum row_shape shape, const flume_bytes *key, const flume_bytes *value,
                struct shown_row *row)
{
    bool known = false;

    switch (shape) {
    case SHAPE_HASH:
        known = decode_hash(key->data, key->bytes, row);
        break;
    case SHAPE_LABEL:
        known = decode_label(key->data, key->bytes, row);
        break;
    case SHAPE_LABEL_COUNT:
        known = decode_label_count(key->data, key->bytes, value, row);
        break;
    case SHAPE_MARK:
        text_add(&row->key, key->data, key->bytes);
        known = decode_mark(value, row);
        break;
    case SHAPE_MARK_HISTORY:
        known = decode_mark_history(key->data, key->bytes, value, row);
        break;
    case SHAPE_CATALOG:
        text_add(&row->key, key->data, key->bytes);
        known = decode_declaration(value, row);
        break;
    case SHAPE_FIELD_COUNT:
        known = decode_field_count(key, value, row);
        break;
    case SHAPE_GROUP:
        known = decode_group(key->data, key->bytes, value, row);
        break;
    case SHAPE_FIELD:
        known = decode_field(key->data, key->bytes, value, row);
        break;
    case SHAPE_SUM:
        known = decode_sum(key->data, key->bytes, value, row);
        break;
    case SHAPE_BLOB:
        known = decode_blob(key->data, key->bytes, value, row);
        break;
    case SHAPE_BLOB_RECORD:
        known = decode_blob_record(key->data, key->bytes, value, row);
        break;
    case SHAPE_SCOPE:
        known = row_decode_scope(key, value, row);
        break;
    case SHAPE_ADDRESS:
        known = row_decode_address(key, value, row);
        break;
    case SHAPE_SUPERSET:
        known = row_decode_superset(key, value, row);
        break;
    case SHAPE_SUPERSET_SHAPE:
        known = row_decode_superset_shape(key, value, row);
        break;
    case SHAPE_SUPERSET_ENTRY:
        known = row_decode_superset_entry(key, value, row);
        break;
    case SHAPE_SUPERSET_INFO:
        known = row_decode_superset_info(key, value, row);
        break;
    case SHAPE_BYTES:
        break;
    }
    if (known)
        return;
    text_clear(&row->key);
    text_clear(&row->value);
    row->seq = FLUME_SEQ_NONE;
    add_bytes(&row->key, key->data, key->bytes);
    add_bytes(&row->value, value->data, value->bytes);
}

/* ---- which shape ---- */

/* The tables of the view "superset" that are more than numbers, which are shown as bytes. */
static enum row_shape superset_shape_of(const char *table)
{
    if (strcmp(table, "pairs") == 0)
        return SHAPE_SUPERSET;
    if (strcmp(table, "shape") == 0)
        return SHAPE_SUPERSET_SHAPE;
    if (strcmp(table, "posting") == 0 || strcmp(table, "watch") == 0)
        return SHAPE_SUPERSET_ENTRY;
    return strcmp(table, "info") == 0 ? SHAPE_SUPERSET_INFO : SHAPE_BYTES;
}

enum row_shape row_shape_of(struct session *session, flume_view *view, size_t table_index)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    const flume_view_definition *definition = flume_view_definition_of(view);
    const char *table = definition->tables[table_index].name;
    flume_view_status status = {.built_in = false};
    flume_declaration declaration;

    (void)flume_view_status_of(view, &status); /* Without it rows are shown as bytes. */
    if (status.built_in && strcmp(table, "hash") == 0)
        return SHAPE_HASH;
    if (status.built_in && strcmp(table, "label") == 0)
        return SHAPE_LABEL;
    if (status.built_in && strcmp(table, "count") == 0)
        return SHAPE_LABEL_COUNT;
    if (status.built_in && strcmp(table, "mark") == 0)
        return SHAPE_MARK;
    if (status.built_in && strcmp(table, "mark_history") == 0)
        return SHAPE_MARK_HISTORY;
    if (status.built_in && strcmp(table, "view") == 0)
        return SHAPE_CATALOG;
    if (status.built_in && strcmp(table, "content") == 0)
        return SHAPE_BLOB;
    if (status.built_in && strcmp(table, "record") == 0)
        return SHAPE_BLOB_RECORD;
    if (status.built_in && strcmp(table, "scope") == 0)
        return SHAPE_SCOPE;
    if (status.built_in && strcmp(definition->name, "address") == 0)
        return SHAPE_ADDRESS;
    if (status.built_in && strcmp(definition->name, "superset") == 0)
        return superset_shape_of(table);
    if (!status.built_in && flume_view_declaration(session->flume, &at_once, definition->name,
                                                   &declaration) == FLUME_OK) {
        if (declaration.what == FLUME_DECLARED_REDUCE)
            return SHAPE_GROUP;
        return strcmp(table, "value") == 0 ? SHAPE_FIELD : SHAPE_FIELD_COUNT;
    }
    return definition->tables[table_index].merge == flume_merge_sum ? SHAPE_SUM : SHAPE_BYTES;
}
