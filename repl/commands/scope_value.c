/*
 * scope_value.c - `flume scope put` and `get`: the value at the address of a scope.
 */
#include "cache_value.h"
#include "scope_forms.h"

int scope_form_check_put(struct session *session)
{
    const struct invocation *invocation = session->invocation;

    return invocation_has(invocation, OPTION_VALUE) != invocation_has(invocation, OPTION_VALUE_FILE)
               ? CODE_OK
               : report(session, ERROR_ONE_SCOPE_VALUE);
}

int scope_form_check_get(struct session *session)
{
    return cache_value_check_get(session);
}

/* The address of the scope that the words say, in the space of --space. */
static int find_address(struct scoping *scoping, uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    struct session *session = scoping->session;
    const struct option_use *space = invocation_option(session->invocation, OPTION_SPACE);
    flume_scope *scope;
    int code = scope_words_read(session, OPTION_LABEL, &scope);

    if (code == CODE_OK &&
        flume_address_of_scope(scope, space == NULL ? NULL : space->text, out_address) != FLUME_OK)
        code = report(session, ERROR_BAD_CACHE_KEY, "a space is UTF-8 of at most 255 bytes");
    flume_scope_destroy(scope);
    return code;
}

int scope_form_put(struct scoping *scoping)
{
    const struct option_use *value = invocation_option(scoping->session->invocation, OPTION_VALUE);
    uint8_t address[FLUME_ADDRESS_BYTES];
    int code = find_address(scoping, address);

    return code == CODE_OK
               ? cache_value_put(&scoping->asking, address, value == NULL ? NULL : value->text)
               : code;
}

int scope_form_get(struct scoping *scoping)
{
    uint8_t address[FLUME_ADDRESS_BYTES];
    int code = find_address(scoping, address);

    return code == CODE_OK ? cache_value_get(&scoping->asking, address,
                                             &scoping->session->invocation->operands[0])
                           : code;
}
