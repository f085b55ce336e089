/*
 * once_result.c - the result of `flume run` as it is remembered (once.h): views/FORMAT.md has the
 * members.
 *
 * What is read is input: it is checked, whoever wrote it.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "once.h"

enum { VERSION = 1, EXIT_CODE_MAX = 255, FILES_MAX = FLUME_SCOPE_VARIABLES_MAX };

/* ---- writing ---- */

static void put_content(struct text *target, const struct once_content *content)
{
    char digits[FLUME_HASH_TEXT_BYTES + 1];

    text_format(target, "\"bytes\":%" PRIu64, content->bytes);
    if (content->bytes == 0)
        return;
    flume_hash_text(content->hash, digits);
    text_format(target, ",\"blob\":\"%s\"", digits);
}

bool once_result_write(const struct once_result *result, struct text *target)
{
    text_format(target, "{\"run\":%d,\"exit\":%d,\"ns\":%" PRIu64 ",\"stdout\":{", VERSION,
                result->exit_code, result->ns);
    put_content(target, &result->streams[ONCE_OUT]);
    text_string(target, "},\"stderr\":{");
    put_content(target, &result->streams[ONCE_ERROR]);
    text_string(target, "},\"order\":[");
    for (size_t i = 0; i < result->piece_count; i++)
        text_format(target, "%s%" PRIu64, i == 0 ? "" : ",", result->pieces[i]);
    text_string(target, "],\"files\":[");
    for (size_t i = 0; i < result->file_count; i++) {
        const struct once_file *file = &result->files[i];

        text_string(target, i == 0 ? "{\"name\":" : ",{\"name\":");
        object_put_string(target, file->name, strlen(file->name));
        text_format(target, ",\"mode\":%u,", (unsigned)file->mode);
        put_content(target, &file->content);
        text_char(target, '}');
    }
    text_string(target, "]}");
    return !target->failed;
}

/* ---- reading ---- */

static bool get_uint(const json_t *object, const char *key, uint64_t max, uint64_t *out_value)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out_value = (uint64_t)json_integer_value(value);
    return *out_value <= max;
}

static bool get_hash(const char *digits, uint8_t out_hash[FLUME_HASH_BYTES])
{
    char again[FLUME_HASH_TEXT_BYTES + 1];

    if (digits == NULL || strlen(digits) != FLUME_HASH_TEXT_BYTES)
        return false;
    for (size_t i = 0; i < FLUME_HASH_BYTES; i++) {
        const char pair[] = {digits[2 * i], digits[2 * i + 1], '\0'};

        out_hash[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    flume_hash_text(out_hash, again);
    return strcmp(again, digits) == 0;
}

static bool get_content(const json_t *object, struct once_content *out_content)
{
    return get_uint(object, "bytes", INT64_MAX, &out_content->bytes) &&
           (out_content->bytes == 0 ||
            get_hash(json_string_value(json_object_get(object, "blob")), out_content->hash));
}

static bool get_pieces(const json_t *list, struct once_result *result)
{
    if (!json_is_array(list) || json_array_size(list) > ONCE_PIECES_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t bytes = json_integer_value(json_array_get(list, i));

        if (!json_is_integer(json_array_get(list, i)) || bytes < 0)
            return false;
        result->pieces[result->piece_count++] = (uint64_t)bytes;
    }
    return true;
}

static bool get_file(const json_t *object, struct once_file *out_file)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    uint64_t mode;

    if (name == NULL || *name == '\0' || !get_uint(object, "mode", 0777, &mode) ||
        !get_content(object, &out_file->content))
        return false;
    out_file->mode = (mode_t)mode;
    out_file->name = strdup(name);
    return out_file->name != NULL;
}

static bool get_files(const json_t *list, struct once_result *result)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count > FILES_MAX)
        return false;
    result->files = calloc(count + 1, sizeof(result->files[0]));
    if (result->files == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        result->file_count++;
        if (!get_file(json_array_get(list, i), &result->files[i]))
            return false;
    }
    return true;
}

static bool get_result(const json_t *root, struct once_result *result)
{
    uint64_t version, exit_code;

    if (!get_uint(root, "run", VERSION, &version) || version != VERSION ||
        !get_uint(root, "exit", EXIT_CODE_MAX, &exit_code) ||
        !get_uint(root, "ns", INT64_MAX, &result->ns))
        return false;
    result->exit_code = (int)exit_code;
    return get_content(json_object_get(root, "stdout"), &result->streams[ONCE_OUT]) &&
           get_content(json_object_get(root, "stderr"), &result->streams[ONCE_ERROR]) &&
           get_pieces(json_object_get(root, "order"), result) &&
           get_files(json_object_get(root, "files"), result);
}

bool once_result_read(const void *json, size_t json_bytes, struct once_result *out_result)
{
    json_t *root = json_loadb(json, json_bytes, JSON_REJECT_DUPLICATES, NULL);
    bool good;

    memset(out_result, 0, sizeof(*out_result));
    good = root != NULL && get_result(root, out_result);
    json_decref(root);
    if (!good)
        once_result_deinit(out_result);
    return good;
}

void once_result_deinit(struct once_result *result)
{
    for (size_t i = 0; i < result->file_count; i++)
        free(result->files[i].name);
    free(result->files);
    result->files = NULL;
    result->file_count = 0;
}
