/*
 * expression.c - what `flume find` is asked (expression.h).
 *
 * Joined terms lean to the left: a and b and c is (a and b) and c.
 */
#include "expression.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parse {
    const struct invocation *invocation;
    struct expression *expression;
    struct parse_error *error;
    size_t at; /* The next operand. */
    bool has_or;
};

static bool refuse(struct parse *parse, const struct operand *operand, int code, const char *name,
                   const char *cause, const char *remedy)
{
    parse->error->token = operand == NULL ? 0 : operand->token;
    parse->error->code = code;
    parse->error->name = name;
    snprintf(parse->error->cause, sizeof(parse->error->cause), "%s", cause);
    snprintf(parse->error->remedy, sizeof(parse->error->remedy), "%s", remedy);
    return false;
}

static const struct operand *peek(const struct parse *parse)
{
    return parse->at < parse->invocation->operand_count ? &parse->invocation->operands[parse->at]
                                                        : NULL;
}

static bool next_is(const struct parse *parse, const char *word)
{
    const struct operand *operand = peek(parse);

    return operand != NULL && strcmp(operand->text, word) == 0;
}

static const flume_term *add_term(struct parse *parse, flume_term term,
                                  const struct operand *operand)
{
    struct expression *expression = parse->expression;
    size_t at = expression->term_count++;

    assert(at < 2 * parse->invocation->operand_count); /* A term takes two words, a join one. */
    expression->terms[at] = term;
    expression->operands[at] = operand;
    return &expression->terms[at];
}

/* Part of a word, with an end of its own; NULL without memory. */
static const char *copy(struct parse *parse, const char *text, size_t bytes)
{
    char *copied = strndup(text, bytes);

    if (copied != NULL)
        parse->expression->copies[parse->expression->copy_count++] = copied;
    return copied;
}

static bool parse_value(struct parse *parse, const char *value, flume_term *io_term)
{
    const char *dots = strstr(value, "..");
    size_t bytes = strlen(value);

    if (*value == '=') {
        io_term->what = FLUME_TERM_EQUAL;
        io_term->from = value + 1;
    } else if (bytes > 0 && value[bytes - 1] == '*') {
        io_term->what = FLUME_TERM_PREFIX;
        io_term->from = copy(parse, value, bytes - 1);
    } else if (dots != NULL) {
        io_term->what = FLUME_TERM_RANGE;
        io_term->from = copy(parse, value, (size_t)(dots - value));
        io_term->to = dots + 2;
    } else {
        io_term->what = FLUME_TERM_EQUAL;
        io_term->from = value;
    }
    return io_term->from != NULL || refuse(parse, NULL, ERROR_NO_MEMORY);
}

/* *out_term stays NULL for a hash, which is no term of the library's. */
static bool parse_term(struct parse *parse, const flume_term **out_term)
{
    const struct operand *name = peek(parse), *value;
    flume_term term = {.what = FLUME_TERM_LABEL};

    if (name == NULL || next_is(parse, "and") || next_is(parse, "or"))
        return refuse(parse, name, ERROR_TERM_MISSING);
    parse->at++;
    value = peek(parse);
    if (value == NULL)
        return refuse(parse, name, ERROR_TERM_VALUE_MISSING);
    parse->at++;
    if (strcmp(name->text, "hash") == 0) {
        if (parse->expression->hash != NULL)
            return refuse(parse, value, ERROR_TWO_HASHES);
        parse->expression->hash = value;
        return true;
    }
    if (strcmp(name->text, "label") == 0) {
        term.from = value->text;
        *out_term = add_term(parse, term, NULL);
        return true;
    }
    term.field = name->text;
    if (!parse_value(parse, value->text, &term))
        return false;
    *out_term = add_term(parse, term, name);
    return true;
}

static const flume_term *join(struct parse *parse, enum flume_term_what what,
                              const flume_term *left, const flume_term *right)
{
    if (left == NULL || right == NULL)
        return left != NULL ? left : right;
    return add_term(parse, (flume_term){.what = what, .left = left, .right = right}, NULL);
}

static bool parse_all_of(struct parse *parse, const flume_term **out_term)
{
    bool more;

    do {
        const flume_term *term = NULL;

        if (!parse_term(parse, &term))
            return false;
        *out_term = join(parse, FLUME_TERM_AND, *out_term, term);
        more = next_is(parse, "and");
        parse->at += more ? 1 : 0;
    } while (more);
    return true;
}

static bool parse_any_of(struct parse *parse)
{
    bool more;

    do {
        const flume_term *term = NULL;

        if (!parse_all_of(parse, &term))
            return false;
        parse->expression->term = join(parse, FLUME_TERM_OR, parse->expression->term, term);
        more = next_is(parse, "or");
        parse->has_or = parse->has_or || more;
        parse->at += more ? 1 : 0;
    } while (more);
    if (peek(parse) != NULL)
        return refuse(parse, peek(parse), ERROR_JOIN_MISSING);
    if (parse->has_or && parse->expression->hash != NULL)
        return refuse(parse, parse->expression->hash, ERROR_HASH_WITH_OR);
    return true;
}

bool expression_parse(const struct invocation *invocation, struct expression *out,
                      struct parse_error *out_error)
{
    struct parse parse = {.invocation = invocation, .expression = out, .error = out_error};
    size_t count = invocation->operand_count;

    *out = (struct expression){.term = NULL};
    *out_error = (struct parse_error){0};
    out->terms = calloc(2 * count + 1, sizeof(out->terms[0]));
    out->operands = calloc(2 * count + 1, sizeof(out->operands[0]));
    out->copies = calloc(count + 1, sizeof(out->copies[0]));
    if (out->terms == NULL || out->operands == NULL || out->copies == NULL)
        return refuse(&parse, NULL, ERROR_NO_MEMORY);
    return parse_any_of(&parse);
}

void expression_release(struct expression *expression)
{
    for (size_t i = 0; i < expression->copy_count; i++)
        free(expression->copies[i]);
    free(expression->copies);
    free(expression->operands);
    free(expression->terms);
    *expression = (struct expression){.term = NULL};
}
