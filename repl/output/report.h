/*
 * report.h - what goes to stderr: errors with their place, warnings, notes.
 *
 *     error: no label 'run/l'
 *       get run/l~2
 *           ^~~~~~~
 *       did you mean run/1?  (labels: flume label list)
 *
 * What is shown is the line as it was typed to a shell, or the words of the command line. Where it
 * comes from a script, FILE:LINE:COLUMN: stands before "error:". Under --json each is one object on
 * one line. Every error is a message of the catalogue (errors.h) or a status of the library;
 * nothing else is reported.
 */
#ifndef REPL_REPORT_H
#define REPL_REPORT_H

#include "errors.h"
#include "flume/flume.h"
#include "invocation.h"

struct session;

/* Where something stands in the command line. */
struct reference_place {
    int token;        /* Index in argv; 0: nowhere. */
    size_t at, bytes; /* In the word; bytes 0: to its end. */
};

/* What can be said beside the message. All zero: nothing. */
struct report_detail {
    struct reference_place place;
    const char *target; /* Marked instead, where the shell's line sends output to it. */
    int code;           /* Instead of the message's; 0: that. */
    const char *fill;   /* For the word in braces of its remedy. */
    const struct suggestion *suggestion; /* What may have been meant; NULL: nothing. */
    const struct text *candidate_lines;  /* What the word fits, a line each, */
    const struct text *candidate_json;   /* and as JSON values; NULL: nothing. */
};

/** An error without a place. Called with a message of the catalogue and what its format takes.
 * Returns its exit code. */
int report(struct session *session, int code, const char *name, const char *format,
           const char *remedy, ...) __attribute__((format(printf, 4, 6)));

/** An error at a word. */
int report_at(struct session *session, struct reference_place place, int code, const char *name,
              const char *format, const char *remedy, ...) __attribute__((format(printf, 5, 7)));

/** An error with all that is known. Returns detail->code, if there is one. */
int report_with(struct session *session, const struct report_detail *detail, int code,
                const char *name, const char *format, const char *remedy, ...)
    __attribute__((format(printf, 5, 7)));

/** What the parser refused. */
int report_parse_error(struct session *session, const struct parse_error *error);
/** What is wrong with the line that the session's shell was given. */
int report_line(struct session *session);
/** What is wrong in a piece of a word, which begins at `place`. */
int report_word_fault(struct session *session, struct reference_place place,
                      const struct fault *fault);

/** What the library answered. `error` may be NULL. Returns the exit code for the status. */
int report_status(struct session *session, int status, const flume_error *error);
/** The same, with the detail that the handle keeps. */
int report_log_error(struct session *session, flume_log *log, int status);
/** The same, with what the handle with views keeps, or else its log. */
int report_flume_error(struct session *session, int status);

/** Something good to know; not under --quiet. */
void note(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Something that is not as it should be. */
void warn(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
