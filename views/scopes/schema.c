/*
 * schema.c - the settings and defaults of a recorder as a record, and back (flume/schema.h).
 *
 * The body is JSON, compact: views/FORMAT.md, "Schema record". What it says is put into rules as if
 * it had been told to a recorder, so both are merged by the same functions.
 */
#include "flume/schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tare_set.h"

struct flume_schema {
    flume *handle;
    uint64_t seq;
    struct recorder_rules rules; /* Settings and defaults only. */
};

/* ---- writing ---- */

static json_t *settings_of(const struct recorder_rules *rules)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < rules->setting_count; i++) {
        const struct setting *setting = &rules->settings[i];
        json_t *one = json_pack("{s:s, s:s, s:s}", "labels",
                                rules->config.items[setting->labels].text, "key", setting->key,
                                "value", setting->value);

        if (one == NULL || json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *defaults_of(const struct recorder_rules *rules)
{
    json_t *object = NULL;
    char *text;

    if (rules->defaults == NULL)
        return json_object();
    if (flume_scope_to_json(rules->defaults, &text) != FLUME_OK)
        return NULL;
    object = json_loads(text, JSON_ALLOW_NUL, NULL);
    flume_scope_free(text);
    return object;
}

/* Freed with free(). NULL: no memory. */
static char *encode(const struct recorder_rules *rules)
{
    json_t *settings = settings_of(rules), *defaults = defaults_of(rules), *body = NULL;
    char *text = NULL;

    if (settings != NULL && defaults != NULL)
        body = json_pack("{s:O, s:O}", "settings", settings, "defaults", defaults);
    if (body != NULL)
        text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(settings);
    json_decref(defaults);
    json_decref(body);
    return text;
}

/* One that cannot be read is said again. */
static bool has_body(flume_log *log, uint64_t seq, const char *body)
{
    flume_record record;
    bool has;

    if (flume_log_get(log, seq, &record) != FLUME_OK)
        return false;
    has = record.kind == FLUME_KIND_SCHEMA && record.body_bytes == strlen(body) &&
          memcmp(record.body, body, record.body_bytes) == 0;
    flume_record_release(&record);
    return has;
}

int schema_is_there(flume_log *log, const char *body, unsigned before, bool *out_is)
{
    uint64_t seq;
    int status = flume_log_last(log, FLUME_KIND_SCHEMA, &seq);

    *out_is = false;
    if (status != FLUME_OK || seq == FLUME_SEQ_NONE)
        return status;
    for (unsigned i = 0; i <= before && i <= seq && !*out_is; i++)
        *out_is = has_body(log, seq - i, body);
    return FLUME_OK;
}

int schema_to_record(flume_recorder *recorder, char **out_body)
{
    const struct recorder_rules *rules = recorder->rules;
    bool is_known;
    char *body;
    int status;

    *out_body = NULL;
    if (rules == NULL || !rules->is_untold)
        return FLUME_OK;
    body = encode(rules);
    if (body == NULL)
        return rules_fail_memory(recorder);
    status = schema_is_there(recorder->handle->log, body, 0, &is_known);
    if (status == FLUME_OK && !is_known) {
        *out_body = body;
        return FLUME_OK;
    }
    free(body);
    return status == FLUME_OK ? status : flume_fail_log(recorder->handle, status);
}

void schema_recorded(flume_recorder *recorder)
{
    if (recorder->rules != NULL)
        recorder->rules->is_untold = false;
}

/* ---- reading ---- */

static const char *text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

static int take_settings(struct recorder_rules *rules, const json_t *list)
{
    size_t index;
    json_t *one;

    if (!json_is_array(list))
        return FLUME_ERR_DAMAGED;
    json_array_foreach(list, index, one)
    {
        const char *labels = text_of(one, "labels");
        const char *key = text_of(one, "key"), *value = text_of(one, "value");
        int status = labels != NULL && key != NULL && value != NULL
                         ? rules_setting_add(rules, labels, key, value)
                         : FLUME_ERR_DAMAGED;

        if (status != FLUME_OK)
            return status == FLUME_ERR_NO_MEMORY ? status : FLUME_ERR_DAMAGED;
    }
    return FLUME_OK;
}

static int take_defaults(struct recorder_rules *rules, const json_t *object)
{
    char *text;
    int status;

    if (!json_is_object(object))
        return FLUME_ERR_DAMAGED;
    text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    status = text == NULL ? FLUME_ERR_NO_MEMORY : flume_scope_create(&rules->defaults);
    if (status == FLUME_OK)
        status = flume_scope_from_json(rules->defaults, text, strlen(text));
    free(text);
    return status == FLUME_OK || status == FLUME_ERR_NO_MEMORY ? status : FLUME_ERR_DAMAGED;
}

static int decode(const flume_record *record, struct recorder_rules *rules)
{
    json_t *body = json_loadb(record->body, record->body_bytes, JSON_REJECT_DUPLICATES, NULL);
    int status = take_settings(rules, json_object_get(body, "settings"));

    if (status == FLUME_OK)
        status = take_defaults(rules, json_object_get(body, "defaults"));
    json_decref(body);
    return status;
}

/* Whether a record tells what tares are, which is of no concern here. */
static bool is_of_tares(const flume_record *record)
{
    return record->body_bytes >= sizeof TARE_BODY_BEGIN - 1 &&
           memcmp(record->body, TARE_BODY_BEGIN, sizeof TARE_BODY_BEGIN - 1) == 0;
}

/* The newest record of settings and defaults, below a seq. */
static int find(flume *handle, const flume_ask *ask, uint64_t *out_seq)
{
    static const uint8_t kinds[] = {FLUME_KIND_SCHEMA};
    flume_cursor_options options = {
        .flags = FLUME_CURSOR_REVERSE, .bounds = FLUME_LTE, .kinds = kinds, .kind_count = 1};
    flume_cursor *cursor;
    flume_record record;
    uint64_t last;
    int status = flume_log_last(handle->log, FLUME_KIND_SCHEMA, &last);

    *out_seq = FLUME_SEQ_NONE;
    if (status != FLUME_OK || last == FLUME_SEQ_NONE)
        return status;
    options.lte = last;
    if (ask != NULL && (ask->flags & FLUME_ASK_AS_OF) != 0 && ask->as_of <= last) {
        options.bounds = FLUME_LT;
        options.lt = ask->as_of;
    }
    status = flume_cursor_open(handle->log, &options, &cursor);
    if (status != FLUME_OK)
        return status;
    do {
        status = flume_cursor_next(cursor, 0, &record);
    } while (status == FLUME_OK && is_of_tares(&record));
    if (status == FLUME_OK)
        *out_seq = record.seq;
    flume_cursor_close(cursor);
    return status == FLUME_END ? FLUME_OK : status;
}

static int read_schema(flume_schema *schema)
{
    flume_record record;
    int status = flume_log_get(schema->handle->log, schema->seq, &record);

    if (status != FLUME_OK)
        return flume_fail_log(schema->handle, status);
    status = decode(&record, &schema->rules);
    flume_record_release(&record);
    if (status != FLUME_OK)
        return flume_fail(schema->handle, status, schema->seq, "the schema at %llu: %s",
                          (unsigned long long)schema->seq,
                          status == FLUME_ERR_DAMAGED ? "it is not what a schema's record is"
                                                      : flume_strerror(status));
    return status;
}

int flume_schema_open(flume *handle, const flume_ask *ask, flume_schema **out_schema)
{
    flume_schema *schema;
    uint64_t seq;
    int status;

    if (handle == NULL || out_schema == NULL)
        return FLUME_ERR_INVALID;
    status = find(handle, ask, &seq);
    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    if (seq == FLUME_SEQ_NONE)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "no recorder has recorded settings or defaults");
    schema = calloc(1, sizeof *schema);
    if (schema == NULL)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, seq, "no memory for a schema");
    schema->handle = handle;
    schema->seq = seq;
    status = read_schema(schema);
    if (status != FLUME_OK) {
        flume_schema_close(schema);
        return status;
    }
    *out_schema = schema;
    return FLUME_OK;
}

void flume_schema_close(flume_schema *schema)
{
    if (schema == NULL)
        return;
    patterns_deinit(&schema->rules.config);
    settings_deinit(&schema->rules);
    flume_scope_destroy(schema->rules.defaults);
    free(schema);
}

uint64_t flume_schema_seq(const flume_schema *schema)
{
    return schema != NULL ? schema->seq : FLUME_SEQ_NONE;
}

int flume_schema_config_at(flume_schema *schema, const char *const *labels, size_t label_count,
                           size_t index, flume_setting *out_setting)
{
    struct scope_buffer *texts;
    const uint8_t *bits;

    if (schema == NULL || (labels == NULL && label_count > 0) || out_setting == NULL)
        return FLUME_ERR_INVALID;
    texts = &schema->rules.setting_labels;
    texts->bytes = 0;
    for (size_t i = 0; i < label_count; i++)
        if (!scope_buffer_add(texts, labels[i], strlen(labels[i]) + 1))
            return FLUME_ERR_NO_MEMORY;
    if (patterns_match(&schema->rules.config, (const char *)texts->data, texts->bytes, &bits) !=
        FLUME_OK)
        return FLUME_ERR_NO_MEMORY;
    return rules_setting_at(&schema->rules, bits, index, out_setting);
}

bool flume_schema_default_at(const flume_schema *schema, size_t index, flume_variable *out_default)
{
    return schema != NULL && out_default != NULL &&
           flume_scope_at(schema->rules.defaults, index, out_default);
}
