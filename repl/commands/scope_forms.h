/*
 * scope_forms.h - the forms of `flume scope`, and tape, dup, super, sub and graph: what they share.
 */
#ifndef REPL_SCOPE_FORMS_H
#define REPL_SCOPE_FORMS_H

#include "asking.h"
#include "flume/recorder.h"
#include "flume/scope_find.h"
#include "grid.h"
#include "limit.h"

/* What every form is given: the basin is open, its views may be asked, signals are only noted. */
struct scoping {
    struct session *session;
    struct asking asking;
    struct limit limit;
    flume_scope *one;       /* For showing a single value; NULL until then. */
    uint64_t damaged, lost; /* Records that were passed over. */
};

/* The forms. Each returns the code to end with. */
int scope_form_add(struct scoping *scoping);
int scope_form_list(struct scoping *scoping);
int scope_form_show(struct scoping *scoping);
int scope_form_diff(struct scoping *scoping);
int scope_form_find(struct scoping *scoping);
int scope_form_explain(struct scoping *scoping);
int scope_form_stat(struct scoping *scoping);
int scope_form_put(struct scoping *scoping);
int scope_form_get(struct scoping *scoping);
int scope_form_config(struct scoping *scoping);
int scope_form_tape(struct scoping *scoping);
int scope_form_dup(struct scoping *scoping);
int scope_form_super(struct scoping *scoping);
int scope_form_sub(struct scoping *scoping);
int scope_form_graph(struct scoping *scoping); /* run_graph.c */

/** Whether the options of a form fit each other, before the basin is opened. CODE_OK or
 * CODE_USAGE. */
int scope_form_check_put(struct session *session);
int scope_form_check_get(struct session *session);
int scope_form_check_graph(struct session *session);

/* ---- scope_words.c ---- */

/**
 * The scope that words say: KEY=VALUE, an object, or - for standard input; and its labels.
 *
 * @param label_option  The option whose uses are its labels; OPTION_COUNT: it has none.
 * @param out_scope     To be destroyed, also when something was reported.
 * @return CODE_OK, or the code of what was reported.
 */
int scope_words_read(struct session *session, enum option_id label_option, flume_scope **out_scope);

/** The same of words that are the values of an option. */
int scope_words_read_options(struct session *session, enum option_id word_option,
                             enum option_id label_option, flume_scope **out_scope);

/** The scope at an operand's reference. As scope_words_read(). */
int scope_words_resolve(struct scoping *scoping, const struct operand *operand, uint64_t *out_seq,
                        flume_scope **out_scope);

/* ---- scope_ask.c ---- */

/** Say in what a scope differs from the nearest one that was committed: a row for each key.
 * CODE_OK, or the code of what was reported. */
int scope_explain(struct scoping *scoping, flume_scope *asked);

/* ---- scope_row.c, and scope_tare.c ---- */

/** "new", "dup", ... */
const char *scope_row_verdict(enum flume_verdict_kind kind);

/** The JSON of a variable's value. False without memory. */
bool scope_row_value(struct scoping *scoping, struct text *target, const flume_variable *variable);

/** What a verdict refers to: the cell `of`, and `extends`. */
void scope_row_related(struct grid *grid, const flume_tape_entry *entry);
void scope_row_labels(struct grid *grid, const flume_scope *scope);
/** All of them as an object; for people shortened: n=100 eps=0.1. False without memory. */
bool scope_row_variables(struct scoping *scoping, struct grid *grid, const flume_scope *scope);

/** The id of the tares in force, its beginning in a table; absent: there were none. */
void scope_row_tare_id(struct grid *grid, const flume_tape_entry *entry);
/** The same with what they leave out: as an object; for people a line for the id, and one for each
 * tare. */
void scope_row_tares(struct grid *grid, const flume_tape_entry *entry);

/** A grid of rows of scopes, and one row. The limit has been asked. */
void scope_row_begin(struct grid *grid, struct scoping *scoping);
/** @return FLUME_OK, FLUME_ERR_IO, FLUME_ERR_NO_MEMORY. */
int scope_row(struct scoping *scoping, struct grid *grid, const flume_tape_entry *entry,
              uint64_t count, const flume_scope *scope);

/* ---- scope_walk.c ---- */

/* Over the tape, one step for a record. */
struct scope_walk {
    struct scoping *scoping;
    flume_tape *tape;
    flume_tape_entry entry;
    flume_scope *scope; /* Of entry. */
    bool every_commit;  /* A step for each that a link counts, instead. */
};

/** @param options  flags, bounds; NULL: all. scope_walk_end() always. @return FLUME_OK, or an
 *                 error. */
int scope_walk_begin(struct scope_walk *walk, struct scoping *scoping,
                     const flume_cursor_options *options);
/** The next one that can be read, with one of the labels of --label, if there are any; the first
 * ones that cannot are reported. FLUME_OK, FLUME_END, FLUME_ERR_CANCELLED, or as
 * flume_tape_next(). */
int scope_walk_next(struct scope_walk *walk);
void scope_walk_end(struct scope_walk *walk);

/** The code for how a walk ended; note .limit. @param rows  0 is exit code 1, unless
 * --no-fail-empty. */
int scope_walk_finish(struct scoping *scoping, int status, uint64_t rows);

/** Rows of what was committed within the bounds of options, --reverse and --limit (scope_list.c).
 * @return the exit code. */
int scope_list_rows(struct scoping *scoping, flume_cursor_options *io_options);

/* ---- scope_compare.c ---- */

enum scope_side { SCOPE_DIFFERS, SCOPE_LEFT, SCOPE_RIGHT };

/** Called with each difference, in byte order of keys; a label is "@label/TEXT" without values
 * (NULL). False ends it. */
typedef bool scope_difference_visit(void *ctx, enum scope_side side, const char *key,
                                    const flume_variable *left, const flume_variable *right);

struct scope_differences {
    size_t differing, left, right; /* right: only there. */
    size_t keys_apart;             /* Variables, not labels, that only one of them has. */
};

/** Compare what scopes are: volatile variables do not count. @param visit  NULL: only count. */
struct scope_differences scope_compare(const flume_scope *left, const flume_scope *right,
                                       scope_difference_visit *visit, void *ctx);

#endif
