/*
 * exact_sum.c - see exact_sum.h.
 */
#include "exact_sum.h"

#include <math.h>
#include <string.h>

#include "little.h"

enum {
    UNIT_EXPONENT = -1074,
    FRACTION_BITS = 52,
    EXPONENT_MASK = 0x7ff,
    ENCODED_FIRST_AT = 0, /* Index of the lowest word that is stored, */
    ENCODED_COUNT_AT = 1, /* and how many are. Below them are zeros, above them the sign. */
    ENCODED_WORDS_AT = 2,
    WORD_BYTES = 8
};

static bool is_negative(const struct exact_sum *sum)
{
    return sum->words[EXACT_SUM_WORDS - 1] >> 63 != 0;
}

static void negate(struct exact_sum *sum)
{
    uint64_t carry = 1;

    for (size_t i = 0; i < EXACT_SUM_WORDS; i++) {
        sum->words[i] = ~sum->words[i] + carry;
        carry = carry != 0 && sum->words[i] == 0;
    }
}

void exact_sum_add(struct exact_sum *sum, const struct exact_sum *other)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < EXACT_SUM_WORDS; i++) {
        uint64_t one = sum->words[i] + other->words[i];
        uint64_t both = one + carry;

        carry = one < other->words[i] || both < one; /* Never both. */
        sum->words[i] = both;
    }
}

/* Add a magnitude times 2^position units, or take it away. */
static void add_shifted(struct exact_sum *sum, uint64_t magnitude, unsigned position, bool negative)
{
    struct exact_sum term = {.words = {0}};
    unsigned word = position / 64, bit = position % 64;

    term.words[word] = magnitude << bit;
    if (bit > 0)
        term.words[word + 1] = magnitude >> (64 - bit);
    if (negative)
        negate(&term);
    exact_sum_add(sum, &term);
}

void exact_sum_add_real(struct exact_sum *sum, double real)
{
    uint64_t bits, fraction;
    unsigned exponent;

    memcpy(&bits, &real, sizeof bits);
    fraction = bits & ((UINT64_C(1) << FRACTION_BITS) - 1);
    exponent = (unsigned)(bits >> FRACTION_BITS) & EXPONENT_MASK;
    if (exponent > 0) /* All but the smallest doubles have a leading one that is not stored. */
        fraction |= UINT64_C(1) << FRACTION_BITS;
    add_shifted(sum, fraction, exponent > 0 ? exponent - 1 : 0, bits >> 63 != 0);
}

void exact_sum_add_integer(struct exact_sum *sum, int64_t integer)
{
    uint64_t magnitude = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;

    add_shifted(sum, magnitude, (unsigned)-UNIT_EXPONENT, integer < 0);
}

/* The 64 bits below and with bit `highest`, the last of them one if any bit below them is. */
static uint64_t top_bits(const struct exact_sum *sum, unsigned highest)
{
    unsigned lowest = highest - 63;
    unsigned word = lowest / 64, bit = lowest % 64;
    uint64_t top = sum->words[word] >> bit;
    uint64_t below = bit > 0 ? sum->words[word] << (64 - bit) : 0;

    if (bit > 0)
        top |= sum->words[word + 1] << (64 - bit);
    for (unsigned i = 0; i < word; i++)
        below |= sum->words[i];
    return top | (below != 0);
}

double exact_sum_round(const struct exact_sum *sum)
{
    struct exact_sum magnitude = *sum;
    bool negative = is_negative(sum);
    size_t word = EXACT_SUM_WORDS;
    unsigned highest;
    double rounded;

    if (negative)
        negate(&magnitude);
    while (word > 0 && magnitude.words[word - 1] == 0)
        word--;
    if (word == 0)
        return 0;
    highest = (unsigned)(word * 64) - 1 - (unsigned)__builtin_clzll(magnitude.words[word - 1]);
    if (highest < 64) /* One word: rounded if it is large, and then it is no subnormal double. */
        rounded = ldexp((double)magnitude.words[0], UNIT_EXPONENT);
    else
        rounded = ldexp((double)top_bits(&magnitude, highest), (int)highest - 63 + UNIT_EXPONENT);
    return negative ? -rounded : rounded;
}

size_t exact_sum_encode(const struct exact_sum *sum, uint8_t target[EXACT_SUM_BYTES_MAX])
{
    uint64_t sign = is_negative(sum) ? UINT64_MAX : 0;
    size_t first = 0, end = EXACT_SUM_WORDS;

    while (end > 0 && sum->words[end - 1] == sign &&
           (end == 1 ? sign == 0 : sum->words[end - 2] >> 63 == sign >> 63))
        end--;
    while (first < end && sum->words[first] == 0)
        first++;
    if (first == end)
        first = end = 0;
    target[ENCODED_FIRST_AT] = (uint8_t)first;
    target[ENCODED_COUNT_AT] = (uint8_t)(end - first);
    for (size_t i = first; i < end; i++)
        little_put64(target + ENCODED_WORDS_AT + (i - first) * WORD_BYTES, sum->words[i]);
    return ENCODED_WORDS_AT + (end - first) * WORD_BYTES;
}

bool exact_sum_decode(const uint8_t *source, size_t source_bytes, struct exact_sum *out_sum)
{
    struct exact_sum sum = {.words = {0}};
    size_t first, end;
    uint64_t sign;

    if (source_bytes < ENCODED_WORDS_AT)
        return false;
    first = source[ENCODED_FIRST_AT];
    end = first + source[ENCODED_COUNT_AT];
    if (end > EXACT_SUM_WORDS || source_bytes != ENCODED_WORDS_AT + (end - first) * WORD_BYTES)
        return false;
    for (size_t i = first; i < end; i++)
        sum.words[i] = little_get64(source + ENCODED_WORDS_AT + (i - first) * WORD_BYTES);
    sign = end > first && sum.words[end - 1] >> 63 != 0 ? UINT64_MAX : 0;
    for (size_t i = end; i < EXACT_SUM_WORDS; i++)
        sum.words[i] = sign;
    *out_sum = sum;
    return true;
}
