/*
 * complete.c - what may come next on a line: which words are wanted where (complete.h).
 *
 * What a value or an operand is follows from the name that help gives it: LABEL, FILE, R. So a
 * command that is added to the table completes without a line here.
 */
#include "complete.h"

#include <stdio.h>
#include <string.h>

#include "candidates.h"
#include "complete_data.h"
#include "complete_dot.h"
#include "flume/flume.h"
#include "help.h"
#include "spot.h"
#include "syntax.h"

struct completing {
    struct candidates candidates;
    struct spot spot;
    flume *handle;
};

static bool is_name(const char *name, size_t bytes, const char *word)
{
    return strlen(word) == bytes && memcmp(name, word, bytes) == 0;
}

/* ---- words of the table ---- */

static void add_commands(struct completing *c)
{
    for (enum command_id id = 0; id < COMMAND_COUNT; id++)
        if (!command_of(id)->is_hidden)
            candidates_add(&c->candidates, command_of(id)->name, command_of(id)->summary,
                           CANDIDATE_WHOLE);
}

static void add_subs(struct completing *c)
{
    for (const struct subcommand *sub = c->spot.command->subs; sub->name != NULL; sub++)
        candidates_add(&c->candidates, sub->name, sub->summary, CANDIDATE_WHOLE);
}

static void add_topics(struct completing *c)
{
    for (unsigned i = 0; help_topic_name(i) != NULL; i++)
        candidates_add(&c->candidates, help_topic_name(i), "topic", CANDIDATE_WHOLE);
}

static void add_options(struct completing *c)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &option_table[i];
        char word[64];

        if (!spot_may_give(&c->spot, (enum option_id)i))
            continue;
        if (option->name != NULL) {
            snprintf(word, sizeof(word), "--%s", option->name);
            candidates_add(&c->candidates, word, option->help, CANDIDATE_WHOLE);
        }
        snprintf(word, sizeof(word), "-%c", option->letter);
        /* A letter beside a name: only if it is just what was typed. */
        if (option->letter != 0 &&
            (option->name == NULL || strcmp(word, c->candidates.typed->word) == 0))
            candidates_add(&c->candidates, word, option->help, CANDIDATE_WHOLE);
    }
}

/* ---- values and operands, by the names that help gives them ---- */

static void add_kinds(struct completing *c, enum option_type type)
{
    for (unsigned kind = 1; kind < FLUME_KIND_USER; kind++) {
        const char *name = flume_kind_name(kind);

        if (name != NULL && (type == OPTION_TYPE_KIND || kind == FLUME_KIND_MESSAGE))
            candidates_add(&c->candidates, name, NULL, CANDIDATE_WHOLE);
    }
}

static void add_codecs(struct completing *c)
{
    for (unsigned codec = 0; codec < FLUME_CODEC_USER; codec++)
        if (flume_codec_name(codec) != NULL)
            candidates_add(&c->candidates, flume_codec_name(codec), NULL, CANDIDATE_WHOLE);
}

/* NAME, and the PREFIX of one: of what, the command says. */
static void add_names(struct completing *c, bool is_prefix)
{
    const struct command *command = c->spot.command;
    const struct subcommand *sub = c->spot.sub;

    if (command == command_of(COMMAND_MARK))
        complete_bookmarks(&c->candidates, c->handle);
    else if (command == command_of(COMMAND_LABEL))
        complete_labels(&c->candidates, c->handle);
    else if (command == command_of(COMMAND_VIEW) && !is_prefix)
        complete_views(&c->candidates, c->handle,
                       sub == NULL || strcmp(sub->name, "drop") == 0 ? COMPLETE_UNNECESSARY_VIEWS
                       : strcmp(sub->name, "add") == 0               ? COMPLETE_DECLARED_VIEWS
                                                                     : COMPLETE_EVERY_VIEW);
}

/* One alternative of a value's or an operand's syntax. */
static void add_alternative(struct completing *c, const char *name, size_t bytes)
{
    char word[64];

    if (syntax_is_literal(name, bytes) && bytes < sizeof(word)) {
        snprintf(word, sizeof(word), "%.*s", (int)bytes, name);
        candidates_add(&c->candidates, word, NULL, CANDIDATE_WHOLE);
    } else if (is_name(name, bytes, "FILE") || is_name(name, bytes, "FILE.so") ||
               (is_name(name, bytes, "PATH") && c->spot.form != SPOT_VALUE)) {
        /* The PATH of an option is one in a JSON body. */
        complete_files(&c->candidates);
    } else if (is_name(name, bytes, "LABEL")) {
        complete_labels(&c->candidates, c->handle);
    } else if (is_name(name, bytes, "BLOB")) {
        complete_blobs(&c->candidates, c->handle);
    } else if (is_name(name, bytes, "HASH")) {
        complete_blob_hashes(&c->candidates, c->handle, candidates_typed(&c->candidates), "");
    } else if (is_name(name, bytes, "KEY=VALUE")) {
        complete_keys(&c->candidates, c->handle);
    } else if (is_name(name, bytes, "BATCH")) {
        complete_batches(&c->candidates, c->handle);
    } else if (is_name(name, bytes, "TAG")) {
        complete_batch_tags(&c->candidates, c->handle);
    } else if (is_name(name, bytes, "DIRECTORY")) {
        complete_files(&c->candidates);
    } else if (is_name(name, bytes, "R")) {
        complete_references(&c->candidates, c->handle, "");
    } else if (is_name(name, bytes, "A..B")) {
        complete_range(&c->candidates, c->handle);
    } else if (is_name(name, bytes, "NAME") || is_name(name, bytes, "PREFIX")) {
        add_names(c, *name == 'P');
    } else if (is_name(name, bytes, "COMMAND")) {
        if (c->spot.command == command_of(COMMAND_RUN))
            complete_files(&c->candidates); /* A program, not a command of flume's. */
        else
            add_commands(c);
    } else if (is_name(name, bytes, "ARG")) {
        complete_files(&c->candidates);
    } else if (is_name(name, bytes, "TOPIC")) {
        add_commands(c);
        add_topics(c);
    }
}

static void add_syntax(struct completing *c, const struct syntax_place *place)
{
    const char *name;
    size_t bytes, at = 0;

    while (syntax_next(place, &at, &name, &bytes))
        add_alternative(c, name, bytes);
}

static void add_values(struct completing *c)
{
    const struct option *option = &option_table[c->spot.option];
    struct syntax_place place;

    c->candidates.fixed_bytes = c->spot.value_at;
    if (option->type == OPTION_TYPE_CHOICE) {
        for (size_t i = 0; option->choices[i] != NULL; i++)
            candidates_add(&c->candidates, option->choices[i], NULL, CANDIDATE_WHOLE);
    } else if (option->type == OPTION_TYPE_KIND || option->type == OPTION_TYPE_NEW_KIND) {
        add_kinds(c, option->type);
    } else if (option->type == OPTION_TYPE_CODEC) {
        add_codecs(c);
    } else if (c->spot.option == OPTION_DB) {
        complete_files(&c->candidates);
    } else if (syntax_find(option->value, 0, &place)) {
        add_syntax(c, &place);
    }
}

/* ---- find: terms ---- */

/* What the words of a query so far let expect: a name, the value of that name, and|or. */
static void add_query(struct completing *c)
{
    const char *name = NULL; /* Whose value comes next. */
    bool is_term = false;    /* A whole one stands before. */

    for (size_t i = 0; i < c->spot.operand_count; i++) {
        const char *word = c->spot.operands[i];

        if (is_term && (strcmp(word, "and") == 0 || strcmp(word, "or") == 0)) {
            is_term = false;
        } else if (name != NULL) {
            name = NULL;
            is_term = true;
        } else {
            name = word;
        }
    }
    if (is_term) {
        candidates_add(&c->candidates, "and", "both", CANDIDATE_WHOLE);
        candidates_add(&c->candidates, "or", "one or the other", CANDIDATE_WHOLE);
    } else if (name == NULL) {
        candidates_add(&c->candidates, "label", "records that carry it", CANDIDATE_WHOLE);
        candidates_add(&c->candidates, "hash", "bodies whose hash begins so", CANDIDATE_WHOLE);
        complete_views(&c->candidates, c->handle, COMPLETE_DECLARED_VIEWS);
    } else if (strcmp(name, "label") == 0) {
        complete_labels(&c->candidates, c->handle);
    } else if (strcmp(name, "hash") == 0) {
        complete_hashes(&c->candidates, c->handle, candidates_typed(&c->candidates), "", "");
    }
}

/* ---- the word at the cursor ---- */

static void add_operands(struct completing *c)
{
    const struct spot *spot = &c->spot;
    struct syntax_place place;

    if (spot->command == command_of(COMMAND_FIND)) {
        add_query(c);
        return;
    }
    if (spot->command->subs != NULL && !spot->sub_is_named && spot->operand_count == 0) {
        add_subs(c);
        if (spot->command->sub_implied == 0)
            return;
        c->spot.sub = &spot->command->subs[spot->command->sub_implied];
    }
    if (syntax_find(spot_operands(spot), spot->operand_count, &place))
        add_syntax(c, &place);
}

static void add_words(struct completing *c)
{
    const char *typed = c->candidates.typed->word;

    switch (c->spot.form) {
    case SPOT_COMMAND:
        add_commands(c);
        if (c->spot.db == NULL && command_is_path(typed))
            complete_files(&c->candidates);
        break;
    case SPOT_OPTION:
        add_options(c);
        break;
    case SPOT_VALUE:
        add_values(c);
        break;
    case SPOT_LOST:
        break;
    case SPOT_OPERAND:
        add_operands(c);
        /* Where nothing can stand but options, they are what Tab is pressed for. */
        if (c->candidates.out->count == 0 && *typed == '\0' && !c->spot.only_operands)
            add_options(c);
        break;
    }
}

static void collect(struct completing *c, flume *handle)
{
    const struct typed *typed = c->candidates.typed;
    struct typed watched;

    c->handle = handle;
    if (typed->place == TYPED_DOT && complete_dot_command(typed, &watched))
        typed = c->candidates.typed = &watched;
    if (typed->place == TYPED_FILE || typed->place == TYPED_SHELL) {
        complete_files(&c->candidates);
    } else if (typed->place == TYPED_DOT) {
        complete_dot(&c->candidates);
    } else if (typed->place == TYPED_COMMAND && spot_find(typed, &c->spot)) {
        add_words(c);
        spot_release(&c->spot);
    }
    candidates_end(&c->candidates);
}

void complete(flume *handle, const char *line, size_t cursor, struct completion *out)
{
    struct completing c;
    struct typed typed;

    typed_parse(line, cursor, &typed);
    *out = (struct completion){.from = typed.place == TYPED_NOTHING ? cursor : typed.from};
    candidates_begin(&c.candidates, &typed, CANDIDATES_QUOTED, COMPLETE_NS_MAX, out);
    collect(&c, handle);
    typed_release(&typed);
}

void complete_typed(flume *handle, const struct typed *typed, uint64_t ns_max,
                    struct completion *out)
{
    struct completing c;

    *out = (struct completion){.from = 0};
    candidates_begin(&c.candidates, typed, CANDIDATES_PLAIN, ns_max, out);
    collect(&c, handle);
}

void completion_release(struct completion *completion)
{
    text_deinit(&completion->memory);
    completion->count = 0;
}
