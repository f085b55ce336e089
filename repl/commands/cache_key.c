/*
 * cache_key.c - the KEY of `flume cache` (cache_key.h).
 */
#include "cache_key.h"

#include <string.h>

/* The value of a hexadecimal digit, or -1. */
static int digit_of(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit == '\0'
                         ? NULL
                         : strchr(digits, digit >= 'A' && digit <= 'F' ? digit - 'A' + 'a' : digit);

    return at == NULL ? -1 : (int)(at - digits);
}

static bool parse_address(const char *word, uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    if (strlen(word) != FLUME_HASH_TEXT_BYTES)
        return false;
    for (size_t i = 0; i < FLUME_ADDRESS_BYTES; i++) {
        int high = digit_of(word[2 * i]), low = digit_of(word[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out_address[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* "@N" */
static bool parse_seq(const char *word, uint64_t *out_seq)
{
    return word[0] == '@' && word[1] >= '0' && word[1] <= '9' &&
           value_parse_uint(word + 1, UINT64_MAX, out_seq);
}

/* What a listing is searched for. */
struct search {
    uint64_t seq;
    uint8_t *address;
};

static int look_at(void *ctx, const flume_stored_info *info)
{
    struct search *search = ctx;

    if (info->seq != search->seq)
        return 0;
    memcpy(search->address, info->address, FLUME_ADDRESS_BYTES);
    return FLUME_END;
}

static struct reference_place place_of(const struct operand *operand)
{
    return (struct reference_place){.token = operand->token};
}

static int address_of(struct session *session, const struct operand *operand, flume_scope *scope,
                      const char *space, uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    flume_error why = {.seq = FLUME_SEQ_NONE};
    int status = scope != NULL ? flume_address_of_scope(scope, space, out_address)
                               : flume_address_of_data(operand->text, strlen(operand->text), space,
                                                       out_address);

    if (status == FLUME_OK)
        return CODE_OK;
    if (scope != NULL)
        flume_scope_error(scope, &why);
    return report_at(session, place_of(operand), ERROR_BAD_CACHE_KEY,
                     why.seq == FLUME_SEQ_NONE && why.message[0] == '\0'
                         ? "a space is UTF-8 of at most 255 bytes"
                         : why.message);
}

static int of_json(struct session *session, const struct operand *operand, const char *space,
                   uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    flume_scope *scope;
    int code;

    if (flume_scope_create(&scope) != FLUME_OK)
        return report(session, ERROR_NO_MEMORY);
    /* What is wrong with it is remembered by the scope. */
    (void)flume_scope_from_json(scope, operand->text, strlen(operand->text));
    code = address_of(session, operand, scope, space, out_address);
    flume_scope_destroy(scope);
    return code;
}

static int of_record(struct asking *asking, const struct operand *operand, const char *space,
                     uint64_t seq, uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    struct session *session = asking->session;
    struct search search = {.seq = seq, .address = out_address};
    flume_scope *scope = NULL;
    int status = flume_stored_list(session->flume, &asking->ask, 0, look_at, &search);
    int code;

    if (status == FLUME_END)
        return CODE_OK;
    if (status == FLUME_OK)
        status = flume_scope_read(session->flume, seq, &scope);
    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(session, place_of(operand), ERROR_NO_CACHE_RECORD, seq);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    code = address_of(session, operand, scope, space, out_address);
    flume_scope_destroy(scope);
    return code;
}

int cache_key_find(struct asking *asking, const struct operand *operand,
                   uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    struct session *session = asking->session;
    const struct option_use *use = invocation_option(session->invocation, OPTION_SPACE);
    const char *space = use == NULL ? NULL : use->text;
    uint64_t seq;

    if (parse_address(operand->text, out_address))
        return CODE_OK;
    if (parse_seq(operand->text, &seq))
        return of_record(asking, operand, space, seq, out_address);
    if (operand->text[0] == '{')
        return of_json(session, operand, space, out_address);
    return address_of(session, operand, NULL, space, out_address);
}
