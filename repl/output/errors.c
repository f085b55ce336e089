/*
 * errors.c - the catalogue: all messages in one table, and what to do about the library's statuses
 * (errors.h).
 */
#include "errors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flume/find.h"
#include "flume/record.h"
#include "flume/status.h"
#include "flume/view.h"

/* These numbers stand in messages. */
static_assert(FLUME_LABEL_BYTES_MAX == 255, "ERROR_BAD_LABEL");
static_assert(FLUME_BOOKMARK_NAME_BYTES_MAX == 128, "ERROR_BAD_BOOKMARK");
static_assert(FLUME_PATH_BYTES_MAX == 256, "ERROR_PATH_TOO_LONG");
static_assert(FLUME_VIEW_NAME_BYTES_MAX == 40, "ERROR_VIEW_NAME_TOO_LONG");

struct row {
    struct error_message message;
    const char *words; /* For what the format takes, one behind the other; NULL: nothing. */
};

static const struct row rows[] = {
    {{ERROR_NO_COMMAND}, "WORD"},
    {{ERROR_NO_COMMAND_NOR_BASIN}, "WORD"},
    {{ERROR_NO_FORM}, "COMMAND WORD"},
    {{ERROR_TOO_MANY_OPERANDS}, NULL},
    {{ERROR_OPERAND_MISSING}, "COMMAND"},
    {{ERROR_NO_OPTION}, "COMMAND OPTION"},
    {{ERROR_OPTION_OF_OTHERS}, "COMMAND OPTION"},
    {{ERROR_VALUE_MISSING}, "OPTION VALUE"},
    {{ERROR_VALUE_UNWANTED}, "OPTION"},
    {{ERROR_NO_CHOICE}, NULL},
    {{ERROR_NO_COMPLETION}, NULL},
    {{ERROR_KIND_RESERVED}, NULL},
    {{ERROR_NO_KIND}, NULL},
    {{ERROR_NO_CODEC}, NULL},
    {{ERROR_BAD_LABEL}, NULL},
    {{ERROR_NOT_A_NUMBER}, NULL},
    {{ERROR_NOT_A_SIZE}, NULL},
    {{ERROR_NOT_A_SPAN}, NULL},
    {{ERROR_NOT_A_TIME}, NULL},
    {{ERROR_TWO_BASINS}, NULL},
    {{ERROR_NO_BASIN_NAMED}, NULL},
    {{ERROR_PATH_TWICE}, NULL},
    {{ERROR_NO_TOPIC}, NULL},
    {{ERROR_NO_MEMORY}, NULL},
    {{ERROR_COMMAND_ENDED}, "N NAME"},
    {{ERROR_SHELL_COMMAND_ENDED}, "N"},
    {{ERROR_LINES_AND_COMMAND}, NULL},
    {{ERROR_QUOTE_OPEN}, NULL},
    {{ERROR_JSON_OPEN}, NULL},
    {{ERROR_JSON_CLOSER}, NULL},
    {{ERROR_HEREDOC_OPEN}, NULL},
    {{ERROR_HEREDOC_NAME}, NULL},
    {{ERROR_HEREDOC_LAST}, NULL},
    {{ERROR_NO_INPUT_FILE}, NULL},
    {{ERROR_BACKSLASH_LAST}, NULL},
    {{ERROR_COMMAND_BEFORE}, NULL},
    {{ERROR_PIPE_EMPTY}, NULL},
    {{ERROR_TARGET_EMPTY}, NULL},
    {{ERROR_TARGET_LAST}, NULL},
    {{ERROR_SHELL_EMPTY}, NULL},
    {{ERROR_LINE_NUL}, NULL},
    {{ERROR_LINE_TOO_LONG}, NULL},
    {{ERROR_LINE_WORDS}, NULL},
    {{ERROR_ANOTHER_LINE}, NULL},
    {{ERROR_REFERENCE_MISSING}, NULL},
    {{ERROR_SEQ_TOO_LARGE}, NULL},
    {{ERROR_BAD_SEQ}, NULL},
    {{ERROR_BAD_REFERENCE}, NULL},
    {{ERROR_BAD_HASH}, NULL},
    {{ERROR_COUNTS_BACK}, NULL},
    {{ERROR_NO_COUNT}, NULL},
    {{ERROR_RANGE_UNWANTED}, NULL},
    {{ERROR_NOT_A_RANGE}, NULL},
    {{ERROR_BAD_BOOKMARK}, NULL},
    {{ERROR_NO_RECORD}, "R"},
    {{ERROR_LOG_IS_EMPTY}, "R"},
    {{ERROR_NO_LABEL}, "LABEL"},
    {{ERROR_FEW_WITH_LABEL}, "N LABEL"},
    {{ERROR_NO_BOOKMARK}, "NAME"},
    {{ERROR_BOOKMARK_REWOUND}, NULL},
    {{ERROR_NO_HASH}, "DIGITS"},
    {{ERROR_AMBIGUOUS_HASH}, "N DIGITS"},
    {{ERROR_TERM_MISSING}, NULL},
    {{ERROR_TERM_VALUE_MISSING}, NULL},
    {{ERROR_TWO_HASHES}, NULL},
    {{ERROR_JOIN_MISSING}, NULL},
    {{ERROR_HASH_WITH_OR}, NULL},
    {{ERROR_HASH_FOLLOWED}, NULL},
    {{ERROR_GROUPS_JOINED}, NULL},
    {{ERROR_FOLD_HAS_GROUPS}, NULL},
    {{ERROR_FILE_UNREADABLE}, "FILE CAUSE"},
    {{ERROR_FILE_UNWRITABLE}, "FILE CAUSE"},
    {{ERROR_OUTPUT_FAILED}, "CAUSE"},
    {{ERROR_PAGER_FAILED}, "PAGER"},
    {{ERROR_ARRAY_WITHOUT_END}, NULL},
    {{ERROR_EXPORT_MODE}, NULL},
    {{ERROR_NOT_CLOSED}, "DB"},
    {{ERROR_BODY_TO_FILE}, NULL},
    {{ERROR_BAD_GREP}, "CAUSE-OF-REGCOMP"},
    {{ERROR_BAD_WHERE}, "CAUSE"},
    {{ERROR_BAD_PATH}, "CAUSE"},
    {{ERROR_BODY_NOT_JSON}, "SEQ"},
    {{ERROR_NO_VALUE}, "PATH SEQ"},
    {{ERROR_BAD_REGEX}, "CAUSE-OF-REGCOMP"},
    {{ERROR_BASIN_EXISTS}, "DB"},
    {{ERROR_NOTHING_TO_APPEND}, NULL},
    {{ERROR_EACH_READS_INPUT}, NULL},
    {{ERROR_AFTER_WITHOUT_TEXT}, NULL},
    {{ERROR_RECORD_NOT_JSON}, NULL},
    {{ERROR_RECORD_NOT_TEXT}, NULL},
    {{ERROR_RECORD_TOO_LARGE}, "FILE LINE N"},
    {{ERROR_VALUE_NOT_JSON}, "FILE LINE N"},
    {{ERROR_NOT_LAST}, "SEQ SEQ"},
    {{ERROR_IMPORT_LINE}, "FILE LINE CAUSE LINE N"},
    {{ERROR_IMPORT_LARGE}, "FILE LINE CAUSE LINE N"},
    {{ERROR_TWO_BEGINNINGS}, NULL},
    {{ERROR_EXEC_FAILED}, "SEQ N"},
    {{ERROR_EXEC_KILLED}, "SEQ N"},
    {{ERROR_EXEC_NOT_RUN}, "CAUSE"},
    {{ERROR_CURSOR_REWOUND}, "FILE SEQ"},
    {{ERROR_NOT_A_CURSOR_FILE}, "FILE"},
    {{ERROR_CURSOR_OF_OTHER}, "FILE"},
    {{ERROR_NOTHING_TO_MARK}, NULL},
    {{ERROR_NO_BLOB_HASH}, "DIGITS"},
    {{ERROR_NO_BLOB_NAME}, "NAME"},
    {{ERROR_NOT_A_BLOB}, "SEQ"},
    {{ERROR_AMBIGUOUS_BLOB}, "N DIGITS"},
    {{ERROR_BLOB_DAMAGED}, "CAUSE-OF-THE-LIBRARY"},
    {{ERROR_GRAINS_ABSENT}, "CAUSE-OF-THE-LIBRARY"},
    {{ERROR_CHUNKS_AWAY}, "N DIRECTORY CAUSE"},
    {{ERROR_GRAINS_UNNAMED}, "N"},
    {{ERROR_NOTHING_TO_PUT}, NULL},
    {{ERROR_INPUT_TWICE}, NULL},
    {{ERROR_ONE_BLOB_NAME}, NULL},
    {{ERROR_BAD_BLOB_NAME}, NULL},
    {{ERROR_BAD_MEDIA_TYPE}, NULL},
    {{ERROR_CHUNK_BYTES_FIXED}, NULL},
    {{ERROR_CHUNK_BYTES_CDC}, NULL},
    {{ERROR_BLOB_DIRECTORY}, "FILE"},
    {{ERROR_BAD_BYTE_RANGE}, NULL},
    {{ERROR_BEHIND_BLOB}, "N"},
    {{ERROR_BLOB_IS_BYTES}, NULL},
    {{ERROR_BLOB_IS_BINARY}, NULL},
    {{ERROR_VERIFY_WHICH_BLOB}, NULL},
    {{ERROR_NO_BATCH}, "ID"},
    {{ERROR_AMBIGUOUS_BATCH}, "CAUSE-OF-THE-LIBRARY"},
    {{ERROR_NOT_A_SCOPE}, "SEQ"},
    {{ERROR_GRAPH_NODES}, "10000"},
    {{ERROR_GRAPH_ROWS_FILE}, NULL},
    {{ERROR_NO_SCOPE_ID}, NULL},
    {{ERROR_NOT_A_VARIABLE}, NULL},
    {{ERROR_KEY_TWICE}, "NAME"},
    {{ERROR_BAD_VARIABLE}, "CAUSE-OF-THE-LIBRARY"},
    {{ERROR_SCOPE_INPUT}, NULL},
    {{ERROR_BAD_CACHE_KEY}, "CAUSE-OF-THE-LIBRARY"},
    {{ERROR_NO_CACHE_RECORD}, "SEQ"},
    {{ERROR_NOTHING_CACHED}, NULL},
    {{ERROR_ONE_CACHE_VALUE}, NULL},
    {{ERROR_ONE_SCOPE_VALUE}, NULL},
    {{ERROR_CACHE_IS_BYTES}, NULL},
    {{ERROR_NO_VIEW}, "NAME"},
    {{ERROR_NO_DECLARED_VIEW}, "NAME"},
    {{ERROR_VIEW_BEHIND}, "NAME N-RECORDS SEQ SEQ"},
    {{ERROR_VIEWS_BEHIND}, NULL},
    {{ERROR_REBUILD_WHICH}, NULL},
    {{ERROR_REBUILD_NAMED_AND_ALL}, NULL},
    {{ERROR_VIEW_CODE_ABSENT}, "NAME VERIFIED"},
    {{ERROR_VIEW_REPLACED}, "NAME"},
    {{ERROR_VIEW_DIFFERS}, "NAME"},
    {{ERROR_DERIVE_WHAT}, NULL},
    {{ERROR_BY_WITHOUT_FOLD}, NULL},
    {{ERROR_UNIQUE_FOLD}, NULL},
    {{ERROR_TYPED_FOLD}, NULL},
    {{ERROR_PATH_TOO_LONG}, NULL},
    {{ERROR_VIEW_NAME_RESERVED}, NULL},
    {{ERROR_VIEW_NAME_TOO_LONG}, NULL},
    {{ERROR_BAD_DECLARATION}, "CAUSE-OF-THE-LIBRARY"},
    {{ERROR_VIEW_BUILT_IN}, NULL},
    {{ERROR_KEY_NOT_HEX}, NULL},
    {{ERROR_NO_TABLE}, NULL},
    {{ERROR_NOT_LOADED}, "CAUSE-OF-DLOPEN"},
    {{ERROR_NO_VIEWS_INSIDE}, "flume_views"},
    {{ERROR_END_DAMAGED}, "SEQ"},
    {{ERROR_NOBODY_TO_ASK}, NULL},
    {{ERROR_BENCH_OWN_BASIN}, NULL},
    {{ERROR_BENCH_SIZE}, NULL},
    {{ERROR_NOT_A_ROOT}, NULL},
    {{ERROR_NOT_A_ROOT_NOR_END}, NULL},
    {{ERROR_CHECKED_ALONE}, NULL},
    {{ERROR_NOTHING_CHECKED}, NULL},
    {{ERROR_RECORD_AND_ROOT}, NULL},
    {{ERROR_NOTHING_PROVED}, NULL},
    {{ERROR_NOT_A_PROOF}, "FILE"},
    {{ERROR_PROOF_UNREADABLE}, "FILE WHY"},
    {{ERROR_PROOF_FILE_TOO_LARGE}, "FILE N"},
    {{ERROR_PROOF_FAILS}, "FILE WHY"},
    {{ERROR_ROOT_NOT_PASSED}, "FILE"},
    {{ERROR_ROOTS_HAVE_NO_BODY}, NULL},
    {{ERROR_RUN_NOT_FOUND}, "COMMAND"},
    {{ERROR_RUN_NOT_EXECUTABLE}, "COMMAND WHY"},
    {{ERROR_RUN_NOT_STARTED}, "COMMAND WHY"},
    {{ERROR_RUN_KEY}, "KEY"},
    {{ERROR_RUN_VARIABLE}, "WHY"},
    {{ERROR_RUN_ENV}, NULL},
    {{ERROR_RUN_OUTPUT_NAME}, NULL},
    {{ERROR_RUN_IN_AND_OUT}, NULL},
    {{ERROR_RUN_OUTPUT_KIND}, "FILE"},
    {{ERROR_RUN_OUTPUT_MISSING}, "FILE"},
    {{ERROR_RUN_OUTPUT_OLD}, "FILE"},
    {{ERROR_RUN_RESULT}, NULL},
    {{ERROR_RUN_BUSY}, NULL},
    {{ERROR_RUN_ITSELF}, NULL},
    {{ERROR_RUN_STANDARD_INPUT}, NULL},
    {{ERROR_NO_SCRATCH}, "DIRECTORY WHY"},
    {{ERROR_TOP_ROWS}, NULL},
    {{ERROR_NO_HIST}, NULL},
    {{ERROR_LATENCY_OF_RECORDS}, NULL},
    {{ERROR_NO_PLOT}, NULL},
    {{ERROR_TERM_AND_FILE}, NULL},
    {{ERROR_LAG_OF_RECORDS}, NULL},
    {{ERROR_NOT_A_STRATA}, "FILE"},
    {{ERROR_STRATA_SEALED}, "FILE"},
    {{ERROR_STRATA_FORM}, "FILE"},
    {{ERROR_GRAIN_NOWHERE}, "SEQ"},
    {{ERROR_NO_BASIN_OPEN}, NULL},
    {{ERROR_NO_BASIN_THERE}, "PATH"},
    {{ERROR_NOTHING_PRINTED}, NULL},
    {{ERROR_PRINTED_ELSEWHERE}, NULL},
    {{ERROR_NO_DOT}, "WORD"},
    {{ERROR_DOT_COMMAND}, NULL},
    {{ERROR_DOT_OPERANDS}, "WHAT"},
    {{ERROR_NO_SETTING}, NULL},
    {{ERROR_BAD_SETTING}, NULL},
    {{ERROR_NOT_A_SUBSCRIPTION}, NULL},
    {{ERROR_NO_SUBSCRIPTION}, NULL},
    {{ERROR_RC_LINE}, NULL},
    {{ERROR_READ_DEPTH}, "N"},
    {{ERROR_NO_SHELL}, "REASON"},
    {{ERROR_WATCH_COUNT}, NULL},
    {{ERROR_WATCH_SPAN}, NULL},
    {{ERROR_WATCH_WATCH}, NULL},
    {{ERROR_WATCH_ENDLESS}, NULL},
    {{ERROR_WATCH_FAILED}, "REASON"},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]), STATUS_LEAST = -64 };
enum { LINE_CELLS = 80, MESSAGE_INDENT = 2, REMEDY_INDENT = 6 };

const char *error_remedy_of(int status)
{
    switch (status) {
    case FLUME_ERR_INVALID:
        return "what a command takes: flume help COMMAND";
    case FLUME_ERR_NO_MEMORY:
        return "end other programs, or ask for less at once";
    case FLUME_ERR_IO:
        return "see what the system says of the disk; what is sound: flume DB check";
    case FLUME_ERR_DAMAGED:
        return "what is damaged: flume DB check";
    case FLUME_ERR_BUSY:
        return "wait longer with --timeout SEC; who is attached: flume DB stat";
    case FLUME_ERR_CONFLICT:
        return "read what was appended meanwhile and try again";
    case FLUME_ERR_NOT_FOUND:
        return "what there is: flume DB log";
    case FLUME_ERR_NO_BASIN:
        return "to make one: flume PATH init, or append --create";
    case FLUME_ERR_VERSION:
        return "a newer flume is needed";
    case FLUME_ERR_FORKED:
        return "open the basin again in the process that was made";
    case FLUME_ERR_TAIL_LOST:
        return "what is there: flume DB check; to go on without the rest: repair --accept-loss";
    case FLUME_ERR_REWOUND:
        return "begin anew, or at a record that is there: --from R";
    case FLUME_ERR_TIMEOUT:
        return "wait longer with --timeout SEC";
    case FLUME_ERR_FULL:
        return "make room on the disk; nothing was appended";
    case FLUME_ERR_TOO_LARGE:
        return "a record holds at most 16 MiB: --each splits; what is larger: blob put";
    case FLUME_ERR_POISONED:
        return "a sync failed: look at the disk, then start again";
    case FLUME_ERR_READ_ONLY:
        return "check who owns the basin and how its disk is mounted";
    case FLUME_ERR_ACCESS:
        return "check the permissions of the basin";
    case FLUME_ERR_CANCELLED:
        return "run it again to go on; what was done is kept";
    case FLUME_ERR_GONE:
        return "it was erased on request: nothing brings it back";
    case FLUME_ERR_LOST:
        return "another copy may have it; what is lost: flume DB export --all";
    case FLUME_ERR_VIEW:
        return "why: flume DB view status; to make it again: flume DB view rebuild NAME";
    case FLUME_ERR_STALE:
        return "take what it has with --stale-ok, or load its code with --load FILE.so";
    case FLUME_ERR_AMBIGUOUS:
        return "give more of it";
    case FLUME_ERR_ABSENT:
        return "mount the volume it is on; where chunks have gone: flume DB blob grains --path DIR";
    default:
        return NULL;
    }
}

void error_fill(struct text *target, const char *remedy, const char *fill)
{
    const char *open = strchr(remedy, '{');
    const char *close = open == NULL ? NULL : strchr(open, '}');

    if (close == NULL) {
        text_string(target, remedy);
        return;
    }
    text_add(target, remedy, (size_t)(open - remedy));
    if (fill != NULL)
        text_string(target, fill);
    else
        text_add(target, open + 1, (size_t)(close - open - 1));
    text_string(target, close + 1);
}

/* ---- the list ---- */

/* The next of some words. */
static size_t take_word(const char **io_words)
{
    size_t bytes;

    if (*io_words == NULL)
        return 0;
    *io_words += strspn(*io_words, " ");
    bytes = strcspn(*io_words, " ");
    *io_words += bytes;
    return bytes;
}

/* A format with words in the place of what it takes. */
static void show_format(struct text *target, const char *format, const char *words)
{
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");

        text_add(target, format, plain);
        format += plain;
        if (*format == '\0')
            return;
        format++;
        if (*format == '%') {
            text_char(target, '%');
        } else {
            size_t bytes = take_word(&words);

            assert(bytes > 0); /* The table has a word for each. */
            text_add(target, words - bytes, bytes);
            format += strspn(format, "-+ #0123456789.*hljzt");
        }
        format += *format == '\0' ? 0 : 1;
    }
}

/* The name and exit code of what follows, unless they are those of what came before. */
static void show_group(struct text *target, int code, const char *name, int *io_code,
                       const char **io_name)
{
    if (code == *io_code && strcmp(name, *io_name) == 0)
        return;
    text_format(target, "%s (exit code %d):\n", name, code);
    *io_code = code;
    *io_name = name;
}

/* Words, broken into lines that begin alike. */
static void show_wrapped(struct text *target, const char *words, size_t indent)
{
    size_t cells = LINE_CELLS; /* The first word begins a line. */
    const char *before = "";

    while (*words != '\0') {
        size_t bytes = strcspn(words, " ");

        if (cells + 1 + bytes > LINE_CELLS) {
            text_format(target, "%s%*s", before, (int)indent, "");
            cells = indent;
        } else {
            text_char(target, ' ');
            cells++;
        }
        text_add(target, words, bytes);
        cells += bytes;
        words += bytes;
        words += strspn(words, " ");
        before = "\n";
    }
    text_char(target, '\n');
}

static void show_remedy(struct text *target, const char *remedy)
{
    struct text words = {0};

    error_fill(&words, remedy, NULL);
    show_wrapped(target, text_c_string(&words), REMEDY_INDENT);
    text_deinit(&words);
}

static void show_message(struct text *target, const struct row *row)
{
    struct text words = {0};

    show_format(&words, row->message.format, row->words);
    show_wrapped(target, text_c_string(&words), MESSAGE_INDENT);
    text_deinit(&words);
    show_remedy(target, row->message.remedy);
}

/* By name and exit code, and those of one group by their words. */
static int compare_rows(const void *a, const void *b)
{
    const struct error_message *left = &(*(const struct row *const *)a)->message;
    const struct error_message *right = &(*(const struct row *const *)b)->message;
    int order = strcmp(left->name, right->name);

    if (order == 0)
        order = left->code - right->code;
    return order != 0 ? order : strcmp(left->format, right->format);
}

static void list_messages(struct text *target)
{
    const struct row *sorted[ROW_COUNT];
    const char *name = "";
    int code = 0;

    for (size_t i = 0; i < ROW_COUNT; i++)
        sorted[i] = &rows[i];
    qsort(sorted, ROW_COUNT, sizeof(sorted[0]), compare_rows);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct error_message *message = &sorted[i]->message;

        show_group(target, message->code, message->name, &code, &name);
        show_message(target, sorted[i]);
    }
}

static void list_statuses(struct text *target)
{
    const char *unknown = flume_status_name(STATUS_LEAST), *name = "";
    int code = 0;

    for (int status = -1; status > STATUS_LEAST; status--) {
        const char *remedy = error_remedy_of(status);

        if (strcmp(flume_status_name(status), unknown) == 0)
            continue;
        show_group(target, exit_code_of(status), flume_status_name(status), &code, &name);
        show_wrapped(target, flume_strerror(status), MESSAGE_INDENT);
        show_remedy(target, remedy == NULL ? "a bug of flume: please report it" : remedy);
    }
}

void error_list(struct text *target)
{
    text_string(target,
                "What flume says on stderr and, below it, what to do. Words in capitals stand\n"
                "for what is meant. The name is that of \"name\" under --json.\n\n");
    list_messages(target);
    text_string(target, "\nWhat the library answers; details follow where it has any:\n\n");
    list_statuses(target);
}
