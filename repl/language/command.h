/*
 * command.h - what commands and options there are.
 *
 * Parser, help texts, manual page and completion are made from it; a command or option that is not
 * here does not exist. An option's name and letter take a value either everywhere or nowhere, so
 * that a command line can be cut into words before its command is known.
 */
#ifndef REPL_COMMAND_H
#define REPL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command_id {
    COMMAND_INIT,
    COMMAND_INFO,
    COMMAND_APPEND,
    COMMAND_GET,
    COMMAND_LOG,
    COMMAND_TAIL,
    COMMAND_SUBSCRIBE,
    COMMAND_LABEL,
    COMMAND_FIND,
    COMMAND_MARK,
    COMMAND_BLOB,
    COMMAND_SCOPE,
    COMMAND_TAPE,
    COMMAND_DUP,
    COMMAND_SUPER,
    COMMAND_SUB,
    COMMAND_BATCH,
    COMMAND_GRAPH,
    COMMAND_VIEW,
    COMMAND_EXPLAIN,
    COMMAND_CACHE,
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_REPAIR,
    COMMAND_SEAL,
    COMMAND_STRATA,
    COMMAND_PROVE,
    COMMAND_STATUS,
    COMMAND_STAT,
    COMMAND_TOP,
    COMMAND_HIST,
    COMMAND_PLOT,
    COMMAND_DUMP,
    COMMAND_EXPORT,
    COMMAND_IMPORT,
    COMMAND_BENCH,
    COMMAND_COMPLETION,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMAND_COMPLETE, /* Hidden: what completion scripts ask. */
    COMMAND_COUNT
};

enum option_id {
    /* For every command. */
    OPTION_DB,
    OPTION_JSON,
    OPTION_MODE,
    OPTION_COLOR,
    OPTION_PROGRESS,
    OPTION_TIMEOUT,
    OPTION_LOAD,
    OPTION_COMMAND,
    OPTION_SCRIPT,
    OPTION_KEEP_GOING,
    OPTION_NO_RC,
    OPTION_NO_PAGER,
    OPTION_QUIET,
    OPTION_VERBOSE,
    OPTION_USAGE,
    OPTION_HELP,
    OPTION_VERSION,
    /* init, append, import. */
    OPTION_STRATA,
    OPTION_CREATE,
    OPTION_LABEL,
    OPTION_KIND,
    OPTION_CODEC,
    OPTION_TIME,
    OPTION_IF_LAST,
    OPTION_FILE,
    OPTION_EACH,
    OPTION_PARANOID,
    OPTION_SAFE,
    OPTION_CASUAL,
    OPTION_FORGETFUL,
    /* get, log, tail. */
    OPTION_NUL,
    OPTION_DELIMITER,
    OPTION_META,
    OPTION_PATH,
    OPTION_OUTPUT,
    OPTION_WITH_LABEL,
    OPTION_OF_KIND,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_GREP,
    OPTION_WHERE,
    OPTION_LIMIT,
    OPTION_REVERSE,
    OPTION_NO_FAIL_EMPTY,
    OPTION_LINES,
    OPTION_FOLLOW,
    OPTION_FROM,
    OPTION_AFTER,
    OPTION_CURSOR_FILE,
    OPTION_EXIT_AT_END,
    OPTION_IDLE,
    OPTION_MAX_COUNT,
    OPTION_EXEC,
    /* Wherever a view is asked. */
    OPTION_AS_OF,
    OPTION_STALE_OK,
    /* label, find, mark, view. */
    OPTION_REGEX,
    OPTION_LIVE,
    OPTION_NOTE,
    OPTION_ROWS_MAX,
    OPTION_TABLE,
    OPTION_JSON_PATH,
    OPTION_FIELD_TYPE,
    OPTION_UNIQUE,
    OPTION_REDUCE,
    OPTION_BY,
    OPTION_ONLY_LABEL,
    OPTION_EVERY_VIEW,
    /* check, repair, stat, export, bench. */
    OPTION_QUICK,
    OPTION_FULL,
    OPTION_DRY_RUN,
    OPTION_ACCEPT_LOSS,
    OPTION_YES,
    OPTION_INTERVAL,
    OPTION_ROWS,
    OPTION_ALL,
    OPTION_SIZE,
    OPTION_RECORDS,
    OPTION_MEMORY,
    /* seal. */
    OPTION_ACTIVE,
    OPTION_BLOCK,
    OPTION_LEVEL,
    OPTION_DICTIONARY,
    OPTION_PARITY,
    OPTION_SEAL_PATH,
    /* blob. */
    OPTION_BLOB_NAME,
    OPTION_MEDIA_TYPE,
    OPTION_CHUNKING,
    OPTION_CHUNK_BYTES,
    OPTION_RESUME,
    OPTION_PROVE_CHUNKS,
    OPTION_BYTE_RANGE,
    OPTION_EVERY_BLOB,
    OPTION_GRAINS_PATH,
    /* tape, graph. */
    OPTION_TREE,
    OPTION_STORE_DELTA,
    /* batch. */
    OPTION_TAG,
    OPTION_SINGLE_SCOPES,
    OPTION_AROUND,
    OPTION_GRAPH_FORMAT,
    OPTION_NODES_MAX,
    /* cache. */
    OPTION_SPACE,
    OPTION_VALUE,
    OPTION_VALUE_FILE,
    /* run. */
    OPTION_SCOPE,
    OPTION_IN,
    OPTION_OUT,
    OPTION_ENV,
    OPTION_CWD,
    OPTION_FORCE,
    OPTION_CACHE_FAILURES,
    OPTION_EXPLAIN,
    /* top, plot, dump. */
    OPTION_TOP_BY,
    OPTION_TERM,
    OPTION_HEX,
    /* prove. */
    OPTION_CHECK_PROOF,
    OPTION_KNOWN_ROOT,
    OPTION_KNOWN_BODY,
    OPTION_OLD_ROOT,
    OPTION_COUNT
};

/* What an option's value must look like; the parser checks it. */
enum option_type {
    OPTION_TYPE_FLAG, /* No value. */
    OPTION_TYPE_TEXT,
    OPTION_TYPE_UINT,
    OPTION_TYPE_SIZE,
    OPTION_TYPE_SPAN,
    OPTION_TYPE_TIME,
    OPTION_TYPE_LABEL,
    OPTION_TYPE_NEW_KIND, /* A kind that may be appended. */
    OPTION_TYPE_KIND,
    OPTION_TYPE_CODEC,
    OPTION_TYPE_CHOICE,
    OPTION_TYPE_REFERENCE
};

struct option {
    const char *name; /* Long name; NULL: only a letter. */
    char letter;      /* 0: none. */
    enum option_type type;
    const char *value; /* Name of the value in help texts. */
    const char *help;
    const char *const *choices; /* For OPTION_TYPE_CHOICE; NULL behind the last. */
    bool repeats;
};

enum operand_type {
    OPERAND_NONE,
    OPERAND_TEXT,
    OPERAND_REFERENCE,
    OPERAND_RANGE,
    OPERAND_EITHER /* A range where ".." is in it, else a reference. */
};

enum { COMMAND_EXAMPLES_MAX = 8 };

/* A form of a command, chosen by its first operand. Its operands are texts. */
struct subcommand {
    const char *name;
    const char *operands;
    size_t operand_min, operand_max;
    const enum option_id *options; /* Beside those of the command. */
    const char *summary;
};

struct command {
    enum command_id id;
    const char *name;
    const char *alias;    /* Another name; NULL: none. */
    const char *operands; /* As help shows them. */
    enum operand_type operand_type;
    size_t operand_min, operand_max;
    const enum option_id *options; /* Its own; OPTION_COUNT behind the last. NULL: none. */
    const struct subcommand *subs; /* A NULL name behind the last; without operands the first is */
    size_t sub_implied; /* meant. NULL: none. What an operand that names no form means: */
                        /* 0: it is refused, else subs[sub_implied]. */
    const char *summary;
    const char *description;
    const char *examples[COMMAND_EXAMPLES_MAX];
    bool is_hidden; /* Not in help, nor suggested, nor completed. */
    /* Its operands are another command: there are no options behind the first. */
    bool runs_another;
};

extern const struct option option_table[OPTION_COUNT];

enum { OPTION_SET_WORDS = 2 };

/* Some of the options: bit i of word w is enum option_id 64 * w + i. */
struct option_set {
    uint64_t words[OPTION_SET_WORDS];
};

/** The options of every command; all options there are. */
struct option_set option_set_for_all(void);
struct option_set option_set_every(void);

/** Add a command's list. */
void option_set_add(struct option_set *set, const enum option_id *list);
bool option_set_has(const struct option_set *set, enum option_id id);

/** The command of an id that is below COMMAND_COUNT. Never NULL. */
const struct command *command_of(enum command_id id);

/** The command of this name, or NULL. */
const struct command *command_find(const char *name, size_t bytes);

/** The form of this name, or NULL. */
const struct subcommand *command_find_sub(const struct command *command, const char *name);

/** The option of this name (or letter) among `set`; OPTION_COUNT if there is none. */
enum option_id option_find(const struct option_set *set, const char *name, size_t bytes);
enum option_id option_find_letter(const struct option_set *set, char letter);

/** Whether a word can only be a basin's path: it contains '.' or '/', or is ":memory:". */
bool command_is_path(const char *word);

#endif
