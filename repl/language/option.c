/*
 * option.c - the options: the table of all there are, finding one, and sets of them (command.h).
 */
#include "command.h"

#include <assert.h>
#include <string.h>

#include "mode.h"

static_assert(OPTION_COUNT <= 64 * OPTION_SET_WORDS, "each option has a bit in a set");

static const char *const color_choices[] = {"auto", "always", "never", NULL};
static const char *const progress_choices[] = {"auto", "plain", "none", NULL};
static const char *const top_choices[] = {"bytes", "count", NULL};
static const char *const field_type_choices[] = {"any", "text", "number", NULL};
static const char *const reduce_choices[] = {"count", "sum", "min", "max", "last", NULL};
static const char *const parity_choices[] = {"file", "soft", "both", NULL};
static const char *const chunking_choices[] = {"fixed", "cdc",
                                               NULL}; /* enum flume_blob_chunking. */
static const char *const graph_choices[] = {"tree", "dot", "svg", NULL}; /* In run_graph.c, too. */
static const char *const each_choices[] = {"line", "nul", "json", NULL};

const struct option option_table[OPTION_COUNT] = {
    [OPTION_DB] = {"db", 0, OPTION_TYPE_TEXT, "PATH", "The basin; else FLUME_DB is used", NULL,
                   false},
    [OPTION_JSON] = {"json", 'j', OPTION_TYPE_FLAG, NULL,
                     "Write JSON, one object a line; errors too", NULL, false},
    [OPTION_MODE] = {"mode", 0, OPTION_TYPE_CHOICE, "MODE",
                     "table plain json ndjson csv tsv raw hex line md", mode_names, false},
    [OPTION_COLOR] = {"color", 0, OPTION_TYPE_CHOICE, "WHEN",
                      "auto (a terminal, NO_COLOR not set), always, never", color_choices, false},
    [OPTION_PROGRESS] = {"progress", 0, OPTION_TYPE_CHOICE, "HOW",
                         "auto (a bar), plain (a line each 10 s), none", progress_choices, false},
    [OPTION_TIMEOUT] = {"timeout", 0, OPTION_TYPE_SPAN, "SEC",
                        "Wait so long for a basin (5), a view (no limit)", NULL, false},
    [OPTION_LOAD] = {"load", 0, OPTION_TYPE_TEXT, "FILE.so",
                     "Run views of your own here: its flume_views[]", NULL, true},
    [OPTION_COMMAND] = {NULL, 'c', OPTION_TYPE_TEXT, "LINE",
                        "Run a line of flume's language, as at flume>", NULL, true},
    [OPTION_SCRIPT] = {"script", 0, OPTION_TYPE_TEXT, "FILE", "Run the lines of FILE (- : stdin)",
                       NULL, true},
    [OPTION_KEEP_GOING] = {"keep-going", 0, OPTION_TYPE_FLAG, NULL,
                           "Go on behind an error of a script", NULL, false},
    [OPTION_NO_RC] = {"no-rc", 0, OPTION_TYPE_FLAG, NULL, "Do not read the start-up file", NULL,
                      false},
    [OPTION_NO_PAGER] = {"no-pager", 0, OPTION_TYPE_FLAG, NULL,
                         "Do not page what is taller than the terminal", NULL, false},
    [OPTION_QUIET] = {"quiet", 'q', OPTION_TYPE_FLAG, NULL, "Say nothing that is not an error",
                      NULL, false},
    [OPTION_VERBOSE] = {"verbose", 'v', OPTION_TYPE_FLAG, NULL, "Say more", NULL, true},
    [OPTION_USAGE] = {NULL, 'h', OPTION_TYPE_FLAG, NULL, "Show the options", NULL, false},
    [OPTION_HELP] = {"help", 0, OPTION_TYPE_FLAG, NULL, "Show all about a command", NULL, false},
    [OPTION_VERSION] = {"version", 0, OPTION_TYPE_FLAG, NULL, "Show the version", NULL, false},
    [OPTION_STRATA] = {"strata", 0, OPTION_TYPE_SIZE, "SIZE",
                       "Full size of a file of the log, 64k to 1G (64M)", NULL, false},
    [OPTION_CREATE] = {"create", 0, OPTION_TYPE_FLAG, NULL, "Make the basin if it is not there",
                       NULL, false},
    [OPTION_LABEL] = {"label", 'l', OPTION_TYPE_LABEL, "LABEL", "Label the records", NULL, true},
    [OPTION_KIND] = {"kind", 0, OPTION_TYPE_NEW_KIND, "KIND", "message, or 64 to 255 (message)",
                     NULL, false},
    [OPTION_CODEC] = {"codec", 0, OPTION_TYPE_CODEC, "CODEC",
                      "raw, text, json, a number (text if it is UTF-8)", NULL, false},
    [OPTION_TIME] = {"time", 0, OPTION_TYPE_TIME, "TIME", "Time of the records (now)", NULL, false},
    [OPTION_IF_LAST] = {"after", 0, OPTION_TYPE_REFERENCE, "R",
                        "Only if R is still the last record; else exit 1", NULL, false},
    [OPTION_FILE] = {"file", 0, OPTION_TYPE_TEXT, "FILE", "Append a file's bytes as one record",
                     NULL, true},
    [OPTION_EACH] = {"each", 0, OPTION_TYPE_CHOICE, "WHAT",
                     "A record for each line, nul or json of stdin", each_choices, false},
    [OPTION_PARANOID] = {"paranoid", 0, OPTION_TYPE_FLAG, NULL,
                         "Synced and read back before it counts", NULL, false},
    [OPTION_SAFE] = {"safe", 0, OPTION_TYPE_FLAG, NULL, "Synced before it counts", NULL, false},
    [OPTION_CASUAL] = {"casual", 0, OPTION_TYPE_FLAG, NULL, "Synced within a second (default)",
                       NULL, false},
    [OPTION_FORGETFUL] = {"forgetful", 0, OPTION_TYPE_FLAG, NULL, "Synced at the end", NULL, false},
    [OPTION_NUL] = {"nul", '0', OPTION_TYPE_FLAG, NULL, "In raw mode end bodies with a NUL byte",
                    NULL, false},
    [OPTION_DELIMITER] = {"delimiter", 'D', OPTION_TYPE_TEXT, "TEXT",
                          "In raw mode end bodies with TEXT", NULL, false},
    [OPTION_META] = {"meta", 0, OPTION_TYPE_FLAG, NULL, "Show the whole record, not the body alone",
                     NULL, false},
    [OPTION_PATH] = {"path", 0, OPTION_TYPE_TEXT, "PATH",
                     "Only the values at .a.b, .a[0], .a[] of JSON bodies", NULL, false},
    [OPTION_OUTPUT] = {"output", 'o', OPTION_TYPE_TEXT, "FILE",
                       "To FILE, which appears when complete; - is stdout", NULL, false},
    [OPTION_WITH_LABEL] = {"label", 'l', OPTION_TYPE_LABEL, "LABEL",
                           "Only records with this label (or one of several)", NULL, true},
    [OPTION_OF_KIND] = {"kind", 0, OPTION_TYPE_KIND, "KIND",
                        "Only this kind: message, manifest, ..., a number", NULL, true},
    [OPTION_SINCE] = {"since", 0, OPTION_TYPE_TIME, "TIME",
                      "Not older: 2h, 1d, 2026-11-20, 2026-11-20T09:00Z", NULL, false},
    [OPTION_UNTIL] = {"until", 0, OPTION_TYPE_TIME, "TIME", "Older than this time", NULL, false},
    [OPTION_GREP] = {"grep", 0, OPTION_TYPE_TEXT, "REGEX",
                     "Only bodies that match it (extended, as grep -E)", NULL, false},
    [OPTION_WHERE] = {"where", 0, OPTION_TYPE_TEXT, "CONDITION",
                      "Only JSON bodies with .a=x; != < <= > >= ~ too", NULL, true},
    [OPTION_LIMIT] = {"limit", 'n', OPTION_TYPE_UINT, "N", "At most N records", NULL, false},
    [OPTION_REVERSE] = {"reverse", 0, OPTION_TYPE_FLAG, NULL, "Newest first", NULL, false},
    [OPTION_NO_FAIL_EMPTY] = {"no-fail-empty", 0, OPTION_TYPE_FLAG, NULL,
                              "Exit with 0, not 1, when a search finds nothing", NULL, false},
    [OPTION_LINES] = {"lines", 'n', OPTION_TYPE_UINT, "N", "Begin with the last N records (10)",
                      NULL, false},
    [OPTION_FOLLOW] = {"follow", 'f', OPTION_TYPE_FLAG, NULL, "Wait for more", NULL, false},
    [OPTION_FROM] = {"from", 0, OPTION_TYPE_REFERENCE, "R", "Begin with record R", NULL, false},
    [OPTION_AFTER] = {"after", 0, OPTION_TYPE_REFERENCE, "R", "Begin behind record R", NULL, false},
    [OPTION_CURSOR_FILE] = {"cursor-file", 0, OPTION_TYPE_TEXT, "FILE",
                            "Go on where FILE says, and keep it up to date", NULL, false},
    [OPTION_EXIT_AT_END] = {"exit-at-end", 0, OPTION_TYPE_FLAG, NULL, "End where the log ends now",
                            NULL, false},
    [OPTION_IDLE] = {"idle", 0, OPTION_TYPE_SPAN, "SEC", "End after SEC without a record", NULL,
                     false},
    [OPTION_MAX_COUNT] = {"count", 0, OPTION_TYPE_UINT, "N", "End after N records", NULL, false},
    [OPTION_EXEC] = {"exec", 0, OPTION_TYPE_TEXT, "CMD",
                     "Run CMD for each record, its body on stdin", NULL, false},
    [OPTION_AS_OF] = {"as-of", 0, OPTION_TYPE_REFERENCE, "R",
                      "Be content with what views know up to record R", NULL, false},
    [OPTION_STALE_OK] = {"stale-ok", 0, OPTION_TYPE_FLAG, NULL,
                         "Answer at once from what views have; say as of when", NULL, false},
    [OPTION_REGEX] = {"regex", 0, OPTION_TYPE_TEXT, "RE",
                      "Only labels that match it (extended, as grep -E)", NULL, false},
    [OPTION_LIVE] = {"live", 0, OPTION_TYPE_FLAG, NULL, "The same as --follow", NULL, false},
    [OPTION_NOTE] = {"note", 'm', OPTION_TYPE_TEXT, "TEXT", "Say why it is marked", NULL, false},
    [OPTION_ROWS_MAX] = {"limit", 'n', OPTION_TYPE_UINT, "N", "At most N rows", NULL, false},
    [OPTION_TABLE] = {"table", 0, OPTION_TYPE_TEXT, "T", "Which table (its first)", NULL, false},
    [OPTION_JSON_PATH] = {"json-path", 0, OPTION_TYPE_TEXT, "PATH",
                          "The field: .a.b, .a[0], .a[] (each), .\"odd name\"", NULL, false},
    [OPTION_FIELD_TYPE] = {"type", 0, OPTION_TYPE_CHOICE, "TYPE",
                           "Only values of this type: text, number (any)", field_type_choices,
                           false},
    [OPTION_UNIQUE] = {"unique", 0, OPTION_TYPE_FLAG, NULL, "A value names one record, the newest",
                       NULL, false},
    [OPTION_REDUCE] = {"reduce", 0, OPTION_TYPE_CHOICE, "WHAT",
                       "Fold into one value: count, sum, min, max, last", reduce_choices, false},
    [OPTION_BY] = {"by", 0, OPTION_TYPE_TEXT, "PATH|label",
                   "A fold for each value of a field, or for each label", NULL, false},
    [OPTION_ONLY_LABEL] = {"label", 'l', OPTION_TYPE_LABEL, "LABEL", "Only records that carry it",
                           NULL, false},
    [OPTION_EVERY_VIEW] = {"all", 0, OPTION_TYPE_FLAG, NULL, "Every view", NULL, false},
    [OPTION_QUICK] = {"quick", 0, OPTION_TYPE_FLAG, NULL,
                      "Only what opening looks at: the end of the log", NULL, false},
    [OPTION_FULL] = {"full", 0, OPTION_TYPE_FLAG, NULL, "Every byte (default)", NULL, false},
    [OPTION_DRY_RUN] = {"dry-run", 0, OPTION_TYPE_FLAG, NULL, "Say what would be done", NULL,
                        false},
    [OPTION_ACCEPT_LOSS] = {"accept-loss", 0, OPTION_TYPE_FLAG, NULL,
                            "Accept that acknowledged records at the end are gone", NULL, false},
    [OPTION_YES] = {"yes", 'y', OPTION_TYPE_FLAG, NULL, "Do not ask", NULL, false},
    [OPTION_ACTIVE] = {"active", 0, OPTION_TYPE_FLAG, NULL,
                       "The strata that is appended to as well", NULL, false},
    [OPTION_BLOCK] = {"block", 0, OPTION_TYPE_SIZE, "SIZE",
                      "Size of the blocks that are packed, 4k to 1M (16k)", NULL, false},
    [OPTION_LEVEL] = {"level", 0, OPTION_TYPE_UINT, "N", "zstd's level, 1 to 19 (1)", NULL, false},
    [OPTION_DICTIONARY] = {"dictionary", 0, OPTION_TYPE_FLAG, NULL,
                           "Train a dictionary for each strata: small records", NULL, false},
    [OPTION_PARITY] = {"parity", 0, OPTION_TYPE_CHOICE, "WHERE",
                       "Parity to repair by: in the file, beside it, both", parity_choices, false},
    [OPTION_SEAL_PATH] = {"path", 0, OPTION_TYPE_TEXT, "DIRECTORY",
                          "Sealed files are to lie there; log/ has links", NULL, false},
    [OPTION_INTERVAL] = {"interval", 'i', OPTION_TYPE_SPAN, "SEC", "A row of rates each SEC", NULL,
                         false},
    [OPTION_ROWS] = {"rows", 'n', OPTION_TYPE_UINT, "N", "End after N rows", NULL, false},
    [OPTION_ALL] = {"all", 0, OPTION_TYPE_FLAG, NULL, "Manifests and lost stand-ins too", NULL,
                    false},
    [OPTION_SIZE] = {"size", 0, OPTION_TYPE_SIZE, "SIZE", "Bytes of a record (100)", NULL, false},
    [OPTION_RECORDS] = {"records", 0, OPTION_TYPE_UINT, "N", "Number of records (1000000)", NULL,
                        false},
    [OPTION_MEMORY] = {"memory", 0, OPTION_TYPE_FLAG, NULL, "In memory, not under TMPDIR", NULL,
                       false},
    [OPTION_BLOB_NAME] = {"name", 0, OPTION_TYPE_TEXT, "TEXT", "Its name, by which it is found",
                          NULL, false},
    [OPTION_MEDIA_TYPE] = {"type", 0, OPTION_TYPE_TEXT, "MEDIA/TYPE", "What it is: image/png", NULL,
                           false},
    [OPTION_CHUNKING] = {"chunking", 0, OPTION_TYPE_CHOICE, "HOW",
                         "fixed; cdc: cut where the content says (fixed)", chunking_choices, false},
    [OPTION_CHUNK_BYTES] = {"chunk-bytes", 0, OPTION_TYPE_SIZE, "SIZE",
                            "Of a chunk, 4k to 4M; cdc: on average (1M)", NULL, false},
    [OPTION_RESUME] = {"resume", 0, OPTION_TYPE_FLAG, NULL, "Say how much was there already", NULL,
                       false},
    [OPTION_PROVE_CHUNKS] = {"prove", 0, OPTION_TYPE_FLAG, NULL,
                             "Read known chunks; store damaged ones again", NULL, false},
    [OPTION_BYTE_RANGE] = {"range", 0, OPTION_TYPE_TEXT, "A..B",
                           "Only the bytes from A up to, not including, B", NULL, false},
    [OPTION_EVERY_BLOB] = {"all", 0, OPTION_TYPE_FLAG, NULL, "Every blob", NULL, false},
    [OPTION_GRAINS_PATH] = {"path", 0, OPTION_TYPE_TEXT, "DIRECTORY",
                            "The chunks are, or are to be, there", NULL, false},
    [OPTION_TREE] = {"tree", 0, OPTION_TYPE_FLAG, NULL, "Indent by the scopes that enclose each",
                     NULL, false},
    [OPTION_STORE_DELTA] = {"delta", 0, OPTION_TYPE_FLAG, NULL,
                            "If it extends an earlier one, store what it adds", NULL, false},
    [OPTION_SINGLE_SCOPES] = {"scopes", 0, OPTION_TYPE_FLAG, NULL,
                              "Scopes one by one, not what has the same keys as one", NULL, false},
    [OPTION_AROUND] = {"around", 0, OPTION_TYPE_REFERENCE, "R",
                       "Only scopes within R, and those it lies within", NULL, false},
    [OPTION_GRAPH_FORMAT] = {"format", 0, OPTION_TYPE_CHOICE, "FORM",
                             "tree, dot (Graphviz), svg (tree)", graph_choices, false},
    [OPTION_NODES_MAX] = {"limit", 'n', OPTION_TYPE_UINT, "N",
                          "At most N of them, up to 10000 (200)", NULL, false},
    [OPTION_TOP_BY] = {"by", 0, OPTION_TYPE_CHOICE, "WHAT",
                       "bytes (largest records), count (busiest labels)", top_choices, false},
    [OPTION_TAG] = {"tag", 0, OPTION_TYPE_TEXT, "TAG", "Only batches of this tag", NULL, false},
    [OPTION_SPACE] = {"space", 0, OPTION_TYPE_TEXT, "NAME",
                      "Keys of this space, apart from all others", NULL, false},
    [OPTION_VALUE] = {"value", 0, OPTION_TYPE_TEXT, "TEXT", "The value", NULL, false},
    [OPTION_VALUE_FILE] = {"file", 0, OPTION_TYPE_TEXT, "FILE", "The value: a file's bytes", NULL,
                           false},
    [OPTION_SCOPE] = {"scope", 0, OPTION_TYPE_TEXT, "KEY=VALUE", "What it is computed from", NULL,
                      true},
    [OPTION_IN] = {"in", 0, OPTION_TYPE_TEXT, "FILE",
                   "It reads FILE, whose content counts (- : stdin)", NULL, true},
    [OPTION_OUT] = {"out", 0, OPTION_TYPE_TEXT, "FILE",
                    "It writes FILE, which is recorded and given back", NULL, true},
    [OPTION_ENV] = {"env", 0, OPTION_TYPE_TEXT, "NAME", "This variable of the environment counts",
                    NULL, true},
    [OPTION_CWD] = {"cwd", 0, OPTION_TYPE_FLAG, NULL, "The working directory counts", NULL, false},
    [OPTION_FORCE] = {"force", 0, OPTION_TYPE_FLAG, NULL, "Run it again, and record the newest",
                      NULL, false},
    [OPTION_CACHE_FAILURES] = {"cache-failures", 0, OPTION_TYPE_FLAG, NULL,
                               "Record and replay failures too", NULL, false},
    [OPTION_EXPLAIN] = {"explain", 0, OPTION_TYPE_FLAG, NULL,
                        "Say if it would run, and why; run nothing", NULL, false},
    [OPTION_TERM] = {"term", 0, OPTION_TYPE_FLAG, NULL, "Draw with characters", NULL, false},
    [OPTION_HEX] = {"hex", 0, OPTION_TYPE_FLAG, NULL, "The bytes as well", NULL, false},
    [OPTION_CHECK_PROOF] = {"check", 0, OPTION_TYPE_TEXT, "FILE",
                            "Check the proof in FILE (- : stdin)", NULL, false},
    [OPTION_KNOWN_ROOT] = {"root", 0, OPTION_TYPE_TEXT, "ROOT",
                           "A root you know: the proof must lead to it", NULL, true},
    [OPTION_KNOWN_BODY] = {"body", 0, OPTION_TYPE_TEXT, "FILE",
                           "It must be the record's body (- : stdin)", NULL, false},
    [OPTION_OLD_ROOT] = {"from", 0, OPTION_TYPE_TEXT, "ROOT|END",
                         "Prove that an older root is of this log", NULL, false},
};

static void add(struct option_set *set, enum option_id id)
{
    set->words[id / 64] |= UINT64_C(1) << (id % 64);
}

struct option_set option_set_for_all(void)
{
    struct option_set set = {{0}};

    for (unsigned i = 0; i < OPTION_STRATA; i++)
        add(&set, (enum option_id)i);
    return set;
}

struct option_set option_set_every(void)
{
    struct option_set set = {{0}};

    for (unsigned i = 0; i < OPTION_COUNT; i++)
        add(&set, (enum option_id)i);
    return set;
}

void option_set_add(struct option_set *set, const enum option_id *list)
{
    for (; list != NULL && *list != OPTION_COUNT; list++)
        add(set, *list);
}

bool option_set_has(const struct option_set *set, enum option_id id)
{
    return (set->words[id / 64] >> (id % 64) & 1) != 0;
}

enum option_id option_find(const struct option_set *set, const char *name, size_t bytes)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const char *candidate = option_table[i].name;

        if (option_set_has(set, (enum option_id)i) && candidate != NULL &&
            strlen(candidate) == bytes && memcmp(candidate, name, bytes) == 0)
            return (enum option_id)i;
    }
    return OPTION_COUNT;
}

enum option_id option_find_letter(const struct option_set *set, char letter)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (option_set_has(set, (enum option_id)i) && option_table[i].letter == letter)
            return (enum option_id)i;
    return OPTION_COUNT;
}
