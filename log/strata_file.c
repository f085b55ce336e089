/*
 * strata_file.c - header page, footer page and names of a strata file.
 */
#include "strata_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "flume/version.h"
#include "hash.h"

enum {
    HEADER_MAGIC_AT = 0,
    HEADER_VERSION_AT = 8,
    HEADER_FORM_AT = 10,
    HEADER_BYTES_AT = 12,
    HEADER_COMPATIBLE_AT = 16,
    HEADER_READ_ONLY_COMPATIBLE_AT = 24,
    HEADER_INCOMPATIBLE_AT = 32,
    HEADER_BASIN_ID_AT = 40,
    HEADER_STRATA_ID_AT = 56,
    HEADER_SALT_AT = STRATA_SALT_AT,
    HEADER_FIRST_SEQ_AT = 80,
    HEADER_DURABLE_AT = 88,
    HEADER_FILE_BYTES_AT = 96,
    HEADER_CREATED_AT = STRATA_CREATED_AT,
    HEADER_RUNNING_TIME_AT = 112,
    HEADER_PREVIOUS_FIRST_SEQ_AT = 120,
    HEADER_PREVIOUS_ID_AT = 128,
    HEADER_DICTIONARY_OFFSET_AT = 144,
    HEADER_DICTIONARY_BYTES_AT = 152,
    HEADER_DICTIONARY_CHECK_AT = 160,
    HEADER_FLAGS_AT = 200,
    HEADER_LAST_OF_KIND_AT = 208,
    HEADER_CHECK_AT = STRATA_PAGE_BYTES - 8,

    FOOTER_MAGIC_AT = 0,
    FOOTER_STRATA_ID_AT = 16,
    FOOTER_FIRST_SEQ_AT = 32,
    FOOTER_COUNT_AT = 40,
    FOOTER_END_AT = 48,
    FOOTER_LEAST_TIME_AT = 56,
    FOOTER_RUNNING_TIME_AT = 64,
    FOOTER_SLOTS_CHECK_AT = 72,
    FOOTER_CHECK_AT = STRATA_PAGE_BYTES - 8,

    SEQ_DIGITS = 20
};
static_assert(HEADER_LAST_OF_KIND_AT + 8 * STRATA_KINDS <= HEADER_CHECK_AT, "the header fits");

static const char header_magic[8] = {'f', 'l', 'u', 'm', 'e', 's', 't', 'r'};
static const char footer_magic[8] = {'f', 'l', 'u', 'm', 'e', 'e', 'n', 'd'};

void strata_header_encode(uint8_t target[STRATA_PAGE_BYTES], const struct strata_header *header)
{
    memset(target, 0, STRATA_PAGE_BYTES);
    memcpy(target + HEADER_MAGIC_AT, header_magic, sizeof header_magic);
    put_le16(target + HEADER_VERSION_AT, FLUME_FORMAT_VERSION);
    put_le16(target + HEADER_FORM_AT, (uint16_t)header->form);
    put_le32(target + HEADER_BYTES_AT, STRATA_PAGE_BYTES);
    put_le64(target + HEADER_COMPATIBLE_AT, header->compatible);
    put_le64(target + HEADER_READ_ONLY_COMPATIBLE_AT, header->read_only_compatible);
    put_le64(target + HEADER_INCOMPATIBLE_AT, header->incompatible);
    memcpy(target + HEADER_BASIN_ID_AT, header->basin_id, sizeof header->basin_id);
    memcpy(target + HEADER_STRATA_ID_AT, header->strata_id, sizeof header->strata_id);
    put_le64(target + HEADER_SALT_AT, header->salt);
    put_le64(target + HEADER_FIRST_SEQ_AT, header->first_seq);
    put_le64(target + HEADER_DURABLE_AT, header->durable);
    put_le64(target + HEADER_FILE_BYTES_AT, header->file_bytes);
    put_le64(target + HEADER_CREATED_AT, header->created_ns);
    put_le64(target + HEADER_RUNNING_TIME_AT, header->running_time_ns);
    put_le64(target + HEADER_PREVIOUS_FIRST_SEQ_AT, header->previous_first_seq);
    memcpy(target + HEADER_PREVIOUS_ID_AT, header->previous_id, sizeof header->previous_id);
    put_le64(target + HEADER_DICTIONARY_OFFSET_AT, header->dictionary_offset);
    put_le64(target + HEADER_DICTIONARY_BYTES_AT, header->dictionary_bytes);
    put_le64(target + HEADER_DICTIONARY_CHECK_AT, header->dictionary_check);
    put_le32(target + HEADER_FLAGS_AT, header->flags);
    for (size_t i = 0; i < STRATA_KINDS; i++)
        put_le64(target + HEADER_LAST_OF_KIND_AT + 8 * i, header->last_of_kind[i]);
    put_le64(target + HEADER_CHECK_AT, hash_bytes(target, HEADER_CHECK_AT, 0));
}

static bool sizes_are_sound(const uint8_t *source)
{
    uint64_t file_bytes = get_le64(source + HEADER_FILE_BYTES_AT);

    return get_le32(source + HEADER_BYTES_AT) == STRATA_PAGE_BYTES &&
           file_bytes >= 3 * STRATA_PAGE_BYTES && file_bytes <= STRATA_BYTES_MAX &&
           file_bytes % STRATA_PAGE_BYTES == 0 &&
           get_le64(source + HEADER_DICTIONARY_OFFSET_AT) <= file_bytes &&
           get_le64(source + HEADER_DICTIONARY_BYTES_AT) <=
               file_bytes - get_le64(source + HEADER_DICTIONARY_OFFSET_AT);
}

int strata_header_decode(const uint8_t source[STRATA_PAGE_BYTES], struct strata_header *out_header)
{
    unsigned form = get_le16(source + HEADER_FORM_AT);

    if (memcmp(source + HEADER_MAGIC_AT, header_magic, sizeof header_magic) != 0 ||
        get_le64(source + HEADER_CHECK_AT) != hash_bytes(source, HEADER_CHECK_AT, 0))
        return FLUME_ERR_DAMAGED;
    if (get_le16(source + HEADER_VERSION_AT) > FLUME_FORMAT_VERSION ||
        get_le64(source + HEADER_INCOMPATIBLE_AT) != 0 || form < STRATA_RAW || form > STRATA_SEALED)
        return FLUME_ERR_VERSION;
    if (!sizes_are_sound(source))
        return FLUME_ERR_DAMAGED;
    out_header->form = (enum strata_form)form;
    out_header->compatible = get_le64(source + HEADER_COMPATIBLE_AT);
    out_header->read_only_compatible = get_le64(source + HEADER_READ_ONLY_COMPATIBLE_AT);
    out_header->incompatible = 0;
    memcpy(out_header->basin_id, source + HEADER_BASIN_ID_AT, sizeof out_header->basin_id);
    memcpy(out_header->strata_id, source + HEADER_STRATA_ID_AT, sizeof out_header->strata_id);
    out_header->salt = get_le64(source + HEADER_SALT_AT);
    out_header->first_seq = get_le64(source + HEADER_FIRST_SEQ_AT);
    out_header->durable = get_le64(source + HEADER_DURABLE_AT);
    out_header->file_bytes = get_le64(source + HEADER_FILE_BYTES_AT);
    out_header->created_ns = get_le64(source + HEADER_CREATED_AT);
    out_header->running_time_ns = get_le64(source + HEADER_RUNNING_TIME_AT);
    out_header->previous_first_seq = get_le64(source + HEADER_PREVIOUS_FIRST_SEQ_AT);
    memcpy(out_header->previous_id, source + HEADER_PREVIOUS_ID_AT, sizeof out_header->previous_id);
    out_header->dictionary_offset = get_le64(source + HEADER_DICTIONARY_OFFSET_AT);
    out_header->dictionary_bytes = get_le64(source + HEADER_DICTIONARY_BYTES_AT);
    out_header->dictionary_check = get_le64(source + HEADER_DICTIONARY_CHECK_AT);
    out_header->flags = get_le32(source + HEADER_FLAGS_AT);
    for (size_t i = 0; i < STRATA_KINDS; i++)
        out_header->last_of_kind[i] = get_le64(source + HEADER_LAST_OF_KIND_AT + 8 * i);
    return FLUME_OK;
}

void strata_footer_encode(uint8_t target[STRATA_PAGE_BYTES], const struct strata_footer *footer)
{
    memset(target, 0, STRATA_PAGE_BYTES);
    memcpy(target + FOOTER_MAGIC_AT, footer_magic, sizeof footer_magic);
    memcpy(target + FOOTER_STRATA_ID_AT, footer->strata_id, sizeof footer->strata_id);
    put_le64(target + FOOTER_FIRST_SEQ_AT, footer->first_seq);
    put_le64(target + FOOTER_COUNT_AT, footer->count);
    put_le64(target + FOOTER_END_AT, footer->end_offset);
    put_le64(target + FOOTER_LEAST_TIME_AT, footer->least_time_ns);
    put_le64(target + FOOTER_RUNNING_TIME_AT, footer->running_time_ns);
    put_le64(target + FOOTER_SLOTS_CHECK_AT, footer->slots_check);
    put_le64(target + FOOTER_CHECK_AT, hash_bytes(target, FOOTER_CHECK_AT, 0));
}

bool strata_footer_decode(const uint8_t source[STRATA_PAGE_BYTES], struct strata_footer *out_footer)
{
    if (memcmp(source + FOOTER_MAGIC_AT, footer_magic, sizeof footer_magic) != 0 ||
        get_le64(source + FOOTER_CHECK_AT) != hash_bytes(source, FOOTER_CHECK_AT, 0))
        return false;
    memcpy(out_footer->strata_id, source + FOOTER_STRATA_ID_AT, sizeof out_footer->strata_id);
    out_footer->first_seq = get_le64(source + FOOTER_FIRST_SEQ_AT);
    out_footer->count = get_le64(source + FOOTER_COUNT_AT);
    out_footer->end_offset = get_le64(source + FOOTER_END_AT);
    out_footer->least_time_ns = get_le64(source + FOOTER_LEAST_TIME_AT);
    out_footer->running_time_ns = get_le64(source + FOOTER_RUNNING_TIME_AT);
    out_footer->slots_check = get_le64(source + FOOTER_SLOTS_CHECK_AT);
    return true;
}

void strata_name(char target[STRATA_NAME_BYTES], uint64_t first_seq)
{
    (void)snprintf(target, STRATA_NAME_BYTES, "%020llu.strata", (unsigned long long)first_seq);
}

void strata_slots_name(char target[STRATA_NAME_BYTES], uint64_t first_seq)
{
    (void)snprintf(target, STRATA_NAME_BYTES, "%020llu.slots", (unsigned long long)first_seq);
}

static bool name_parse(const char *name, const char *ending, uint64_t *out_first_seq)
{
    uint64_t seq = 0;

    for (size_t i = 0; i < SEQ_DIGITS; i++) {
        unsigned digit = (unsigned char)name[i] - (unsigned)'0';

        if (digit > 9 || seq > (UINT64_MAX - digit) / 10)
            return false;
        seq = seq * 10 + digit;
    }
    if (strcmp(name + SEQ_DIGITS, ending) != 0)
        return false;
    *out_first_seq = seq;
    return true;
}

bool strata_name_parse(const char *name, uint64_t *out_first_seq)
{
    return name_parse(name, ".strata", out_first_seq);
}

bool strata_slots_name_parse(const char *name, uint64_t *out_first_seq)
{
    return name_parse(name, ".slots", out_first_seq);
}
