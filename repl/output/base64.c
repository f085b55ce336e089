/*
 * base64.c - bytes back from base64 (base64.h).
 */
#include "base64.h"

#include <stdint.h>

size_t base64_room(size_t digits)
{
    return digits / 4 * 3;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

bool base64_decode(const char *source, size_t digits, void *target, size_t *out_bytes)
{
    uint8_t *at = target;
    size_t padding = 0;

    if (digits % 4 != 0)
        return false;
    while (padding < 2 && padding < digits && source[digits - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < digits; i += 4) {
        size_t here = i + 4 == digits ? 4 - padding : 4; /* Digits that count. */
        uint32_t bits = 0;

        for (size_t k = 0; k < 4; k++) {
            int value = k < here ? digit_value(source[i + k]) : 0;

            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        for (size_t k = 0; k + 1 < here; k++)
            *at++ = (uint8_t)(bits >> (16 - 8 * k));
    }
    *out_bytes = (size_t)(at - (uint8_t *)target);
    return true;
}
