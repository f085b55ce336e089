/*
 * errors.h - the catalogue: every error that the program reports in words of its own.
 *
 * A message is a macro of four arguments, in the order in which report() and its sisters (report.h)
 * take them: exit code, the name that programs see, what was wrong (a format of printf), what to
 * do. So the compiler checks what is put into the format:
 *
 *     return report(session, ERROR_FILE_UNREADABLE, path, strerror(errno));
 *
 * What to do may hold one word in braces, which the caller fills in. `flume help errors` shows the
 * table in errors.c, where each message stands with words for what its format takes. What the
 * library answers (flume_strerror) is told by its status; what to do then stands in errors.c too.
 */
#ifndef REPL_ERRORS_H
#define REPL_ERRORS_H

#include <inttypes.h>

#include "exit_code.h"
#include "text.h"

/* ---- the command line: invocation.c ---- */

#define ERROR_NO_COMMAND CODE_USAGE, "usage", "no command '%s'", "commands: flume help"
#define ERROR_NO_COMMAND_NOR_BASIN                    \
    CODE_USAGE, "usage", "no command nor basin '%s'", \
        "commands: flume help; the path of a basin contains . or / (./{NAME})"
#define ERROR_NO_FORM CODE_USAGE, "usage", "%s has no '%s'", "usage: flume [DB] {USAGE}"
#define ERROR_TOO_MANY_OPERANDS \
    CODE_USAGE, "usage", "one operand too many", "usage: flume [DB] {USAGE}"
#define ERROR_OPERAND_MISSING \
    CODE_USAGE, "usage", "%s needs an operand", "usage: flume [DB] {USAGE}"
#define ERROR_NO_OPTION CODE_USAGE, "usage", "%s has no option %s", "options: flume {COMMAND} -h"
#define ERROR_OPTION_OF_OTHERS \
    CODE_USAGE, "usage", "%s has no option %s", "it belongs to: {COMMANDS}"
#define ERROR_VALUE_MISSING CODE_USAGE, "usage", "a value is missing: %s %s", "{WHAT IT SAYS}"
#define ERROR_VALUE_UNWANTED \
    CODE_USAGE, "usage", "--%s takes no value", "leave out the = and what follows"
#define ERROR_NO_CHOICE CODE_USAGE, "usage", "no such choice", "choose one of: {WORDS}"
#define ERROR_NO_COMPLETION \
    CODE_USAGE, "usage", "there is no completion for this shell", "choose one of: bash, zsh, fish"
#define ERROR_KIND_RESERVED                              \
    CODE_USAGE, "usage", "this kind cannot be appended", \
        "message, or a number from 64 to 255; the others belong to flume"
#define ERROR_NO_KIND                    \
    CODE_USAGE, "usage", "no such kind", \
        "message, manifest, lost, bookmark, scope, ... or a number from 1 to 255"
#define ERROR_NO_CODEC \
    CODE_USAGE, "usage", "no such codec", "raw, text, json, or a number up to 65535"
#define ERROR_BAD_LABEL \
    CODE_USAGE, "usage", "this cannot be a label", "1 to 255 bytes of UTF-8 without control bytes"
#define ERROR_NOT_A_NUMBER                                                  \
    CODE_USAGE, "usage", "this is not a whole number (or it is too large)", \
        "decimal digits alone: 10"
#define ERROR_NOT_A_SIZE \
    CODE_USAGE, "usage", "this is not a size", "bytes, or with k, M, G: 64k, 16M"
#define ERROR_NOT_A_SPAN                               \
    CODE_USAGE, "usage", "this is not a span of time", \
        "seconds, or with ms, s, m, h, d, w: 0.5, 250ms, 2h"
#define ERROR_NOT_A_TIME                       \
    CODE_USAGE, "usage", "this is not a time", \
        "2h (ago), 2026-11-20, 2026-11-20T09:00:00Z, @1790000000, now"
#define ERROR_TWO_BASINS                                                         \
    CODE_USAGE, "usage", "two basins: one before the command and one with --db", \
        "leave out one of them"
#define ERROR_NO_BASIN_NAMED                   \
    CODE_USAGE, "usage", "no basin was named", \
        "name it before the command (a path with . or /), with --db, or in FLUME_DB"
#define ERROR_PATH_TWICE CODE_USAGE, "usage", "the path is given twice", "leave out one of them"
#define ERROR_NO_TOPIC \
    CODE_USAGE, "usage", "no such command or topic", "commands and topics: flume help"
#define ERROR_NO_MEMORY \
    CODE_IO, "no_memory", "there is no memory left", "end other programs, or ask for less at once"

/* ---- scripts: script.c, run.c ---- */

#define ERROR_COMMAND_ENDED                                \
    CODE_NO, "ended", "this ended with exit code %d (%s)", \
        "to go on behind it: --keep-going; a search may find nothing: --no-fail-empty"
#define ERROR_SHELL_COMMAND_ENDED                     \
    CODE_NO, "ended", "this ended with exit code %d", \
        "to go on behind it: --keep-going, or || true in that command"
#define ERROR_LINES_AND_COMMAND                                        \
    CODE_USAGE, "usage", "-c and --script go without another command", \
        "each line has its own: flume DB -c 'COMMAND ...'"

/* ---- a line of the shell: line.c ---- */

#define ERROR_QUOTE_OPEN                             \
    CODE_USAGE, "usage", "this quote is not closed", \
        "close it with the same quote; a quote that is meant: \\' or \\\""
#define ERROR_JSON_OPEN                                \
    CODE_USAGE, "usage", "this bracket is not closed", \
        "close it, or put what is not JSON between quotes: '[...'"
#define ERROR_JSON_CLOSER                                                 \
    CODE_USAGE, "usage", "this bracket does not close the one before it", \
        "what was opened last is closed first; what is not JSON is quoted: '[...'"
#define ERROR_HEREDOC_OPEN                                  \
    CODE_USAGE, "usage", "the end of this text is missing", \
        "it ends with a line that is the name behind << and nothing else"
#define ERROR_HEREDOC_NAME                              \
    CODE_USAGE, "usage", "<< needs the name of an end", \
        "<<END, up to 15 letters; the text ends with a line that is END; a < that is meant: '<'"
#define ERROR_HEREDOC_LAST                                  \
    CODE_USAGE, "usage", "nothing follows << and its name", \
        "what belongs to the command stands before it"
#define ERROR_NO_INPUT_FILE                             \
    CODE_USAGE, "usage", "< does not read a file here", \
        "append --file FILE does; a < that is meant: '<'"
#define ERROR_BACKSLASH_LAST                                 \
    CODE_USAGE, "usage", "a character is missing behind \\", \
        "a backslash that is meant: \\\\; lines go on only between quotes"
#define ERROR_COMMAND_BEFORE                                 \
    CODE_USAGE, "usage", "a command is missing before this", \
        "COMMAND | ..., COMMAND > FILE; a shell's command alone: !COMMAND"
#define ERROR_PIPE_EMPTY                                  \
    CODE_USAGE, "usage", "a command is missing behind |", \
        "for example: log | wc -l; a | that is meant: '|'"
#define ERROR_TARGET_EMPTY                             \
    CODE_USAGE, "usage", "a file is missing behind >", \
        "for example: log > FILE; a > that is meant: '>'"
#define ERROR_TARGET_LAST                                     \
    CODE_USAGE, "usage", "nothing follows the file behind >", \
        "one word is the file; blanks in it are quoted"
#define ERROR_SHELL_EMPTY \
    CODE_USAGE, "usage", "a command is missing behind !", "for example: !ls -l"
#define ERROR_LINE_NUL \
    CODE_USAGE, "usage", "a line cannot hold a NUL byte", "append --file FILE takes any bytes"
#define ERROR_LINE_TOO_LONG                                     \
    CODE_USAGE, "too_large", "this line is longer than 20 MiB", \
        "append --file FILE takes what is large"
#define ERROR_LINE_WORDS                                             \
    CODE_USAGE, "too_large", "this line has more than 262144 words", \
        "append --each line reads many from standard input"
#define ERROR_ANOTHER_LINE                           \
    CODE_USAGE, "usage", "here another line begins", \
        "a line goes on only between quotes, in brackets or behind <<END"

/* ---- references: reference.c ---- */

#define ERROR_REFERENCE_REMEDY \
    "a record is @17, first, last~2, a hash, a label, :bookmark (flume help refs)"
#define ERROR_REFERENCE_MISSING \
    CODE_USAGE, "usage", "a reference is missing", ERROR_REFERENCE_REMEDY
#define ERROR_SEQ_TOO_LARGE \
    CODE_USAGE, "usage", "this seq is larger than any seq can be", ERROR_REFERENCE_REMEDY
#define ERROR_BAD_SEQ CODE_USAGE, "usage", "a seq is @ and decimal digits", ERROR_REFERENCE_REMEDY
#define ERROR_BAD_REFERENCE \
    CODE_USAGE, "usage", "this is not a reference to a record", ERROR_REFERENCE_REMEDY
#define ERROR_BAD_HASH \
    CODE_USAGE, "usage", "a hash is 4 to 64 hexadecimal digits", ERROR_REFERENCE_REMEDY
#define ERROR_COUNTS_BACK \
    CODE_USAGE, "usage", "~ counts back from last, or from a label (label:)", ERROR_REFERENCE_REMEDY
#define ERROR_NO_COUNT CODE_USAGE, "usage", "after ~ comes a number", ERROR_REFERENCE_REMEDY
#define ERROR_RANGE_UNWANTED \
    CODE_USAGE, "usage", "this is a range; one record is wanted", "to read a range: flume log A..B"
#define ERROR_NOT_A_RANGE                       \
    CODE_USAGE, "usage", "this is not a range", \
        "a range is A..B, A.. or ..B; one record: flume get A"
#define ERROR_BAD_BOOKMARK                                        \
    CODE_USAGE, "usage", "this cannot be the name of a bookmark", \
        "1 to 128 bytes of UTF-8 without spaces, ':' and '~'"

/* ---- what a reference means: resolve.c ---- */

#define ERROR_NO_RECORD CODE_NO, "not_found", "no record %s", "the last record is {SEQ}"
#define ERROR_LOG_IS_EMPTY CODE_NO, "not_found", "no record %s", "the log is empty"
#define ERROR_NO_LABEL CODE_NO, "not_found", "no label '%s'", "labels: flume label list"
#define ERROR_FEW_WITH_LABEL                                           \
    CODE_NO, "not_found", "only %" PRIu64 " records carry label '%s'", \
        "they are: flume label show {LABEL}"
#define ERROR_NO_BOOKMARK CODE_NO, "not_found", "no bookmark '%s'", "bookmarks: flume mark list"
#define ERROR_BOOKMARK_REWOUND                                                          \
    CODE_STALE, "rewound", "the record that this bookmark named is not there any more", \
        "name another: flume mark NAME R"
#define ERROR_NO_HASH                                        \
    CODE_NO, "not_found", "no record's hash begins with %s", \
        "b3sum prints a body's hash; get --meta shows a record's"
#define ERROR_AMBIGUOUS_HASH \
    CODE_AMBIGUOUS, "ambiguous", "%zu hashes begin with %s", "give more digits"

/* ---- find: expression.c, run_find.c ---- */

#define ERROR_TERM_MISSING                    \
    CODE_USAGE, "usage", "a term is missing", \
        "NAME VALUE, label X or hash X; an example: temp 20..30 and label run/1"
#define ERROR_TERM_VALUE_MISSING \
    CODE_USAGE, "usage", "its value is missing", "NAME VALUE; any value at all: NAME .."
#define ERROR_TWO_HASHES CODE_USAGE, "usage", "a record has one hash", "ask for them one by one"
#define ERROR_JOIN_MISSING                               \
    CODE_USAGE, "usage", "here 'and' or 'or' is wanted", \
        "NAME VALUE and NAME VALUE or ...; values with blanks are quoted"
#define ERROR_HASH_WITH_OR \
    CODE_USAGE, "usage", "a hash goes with 'and' alone", "ask for it on its own: find hash X"
#define ERROR_HASH_FOLLOWED \
    CODE_USAGE, "usage", "a hash alone cannot be followed", "tail -f shows what is appended"
#define ERROR_GROUPS_JOINED                                                      \
    CODE_USAGE, "usage", "the groups of a fold are not joined with other terms", \
        "find NAME [GROUP|PREFIX*]"
#define ERROR_FOLD_HAS_GROUPS                                          \
    CODE_USAGE, "usage", "this is a fold: it has groups, not records", \
        "find NAME [GROUP] shows them"

/* ---- files and streams ---- */

#define ERROR_FILE_UNREADABLE \
    CODE_IO, "io", "%s cannot be read: %s", "check its path and its permissions"
#define ERROR_FILE_UNWRITABLE \
    CODE_IO, "io", "%s cannot be written: %s", "check its directory, permissions and free space"
#define ERROR_OUTPUT_FAILED \
    CODE_IO, "io", "output cannot be written: %s", "make room where it goes, or send it elsewhere"
#define ERROR_PAGER_FAILED                            \
    CODE_IO, "io", "the pager '%s' could not be run", \
        "choose another with FLUME_PAGER, or --no-pager"
#define ERROR_ARRAY_WITHOUT_END                                    \
    CODE_USAGE, "usage", "json is one array, and this has no end", \
        "--mode ndjson (--json) writes an object a line"
#define ERROR_EXPORT_MODE                                                   \
    CODE_USAGE, "usage", "an export is ndjson, which is what import reads", \
        "in other forms: flume DB log --mode MODE"
#define ERROR_NOT_CLOSED \
    CODE_IO, "io", "%s could not be closed cleanly", "whether it is sound: flume DB check"
#define ERROR_BODY_TO_FILE \
    CODE_USAGE, "usage", "-o writes bodies, not rows", "leave out --meta, --json and --mode"
#define ERROR_BAD_GREP \
    CODE_USAGE, "usage", "%s", "--grep takes an extended regular expression, as grep -E does"
#define ERROR_BAD_WHERE        \
    CODE_USAGE, "usage", "%s", \
        "PATH=VALUE, with = != < <= > >= or ~ REGEX: --where .temp=20, --where 'temp>=20.5'"
#define ERROR_BAD_PATH \
    CODE_USAGE, "usage", "%s", "--path takes .a.b, .a[0], .a[] (each element), .\"odd name\""
#define ERROR_BODY_NOT_JSON                                      \
    CODE_NO, "not_json", "the body of @%" PRIu64 " is not JSON", \
        "the whole body: get without --path"
#define ERROR_NO_VALUE                                            \
    CODE_NO, "not_found", "there is no value at %s in @%" PRIu64, \
        "the whole body: get without --path"
#define ERROR_BAD_REGEX CODE_USAGE, "usage", "%s", "--regex takes what grep -E takes"

/* ---- init, append, import ---- */

#define ERROR_BASIN_EXISTS CODE_NO, "exists", "%s is a basin already", "it was left as it is"
#define ERROR_NOTHING_TO_APPEND                        \
    CODE_USAGE, "usage", "there is nothing to append", \
        "give TEXT, '-' for standard input, --file FILE or --each line"
#define ERROR_EACH_READS_INPUT                                                           \
    CODE_USAGE, "usage", "--each reads standard input, and takes no TEXT and no --file", \
        "leave out TEXT and --file, or --each"
#define ERROR_AFTER_WITHOUT_TEXT                                             \
    CODE_USAGE, "usage", "--after does not go with standard input or files", \
        "give what is to be appended as TEXT"
#define ERROR_RECORD_NOT_JSON \
    CODE_USAGE, "invalid", "a record with --codec json is not JSON", "nothing of it was appended"
#define ERROR_RECORD_NOT_TEXT \
    CODE_USAGE, "invalid", "a record with --codec text is not UTF-8", "use --codec raw"
#define ERROR_RECORD_TOO_LARGE                                                  \
    CODE_USAGE, "too_large", "%s:%" PRIu64 ": record %" PRIu64 " is too large", \
        "a record holds at most 16 MiB; the records before it were appended"
#define ERROR_VALUE_NOT_JSON                                                \
    CODE_USAGE, "invalid", "%s:%" PRIu64 ": value %" PRIu64 " is not JSON", \
        "the values before it were appended"
#define ERROR_NOT_LAST                                                                      \
    CODE_NO, "conflict", "@%" PRIu64 " is not the last record any more: that is @%" PRIu64, \
        "read what was appended (flume log) and try again"
#define ERROR_IMPORT_LINE                                                             \
    CODE_USAGE, "invalid",                                                            \
        "%s:%" PRIu64 ": %s; nothing from line %" PRIu64 " on was appended, %" PRIu64 \
        " records before it were",                                                    \
        "what a line of an export holds: flume help json"
#define ERROR_IMPORT_LARGE                                                            \
    CODE_USAGE, "too_large",                                                          \
        "%s:%" PRIu64 ": %s; nothing from line %" PRIu64 " on was appended, %" PRIu64 \
        " records before it were",                                                    \
        "a record holds at most 16 MiB, a batch 1 GiB"

/* ---- tail, mark ---- */

#define ERROR_TWO_BEGINNINGS                              \
    CODE_USAGE, "usage", "there are two places to begin", \
        "choose one of -n, --from, --after, --cursor-file"
#define ERROR_EXEC_FAILED                                                 \
    CODE_PARTIAL, "exec", "@%" PRIu64 ": the command ended with code %d", \
        "this record comes first when it goes on; '|| true' behind CMD passes over"
#define ERROR_EXEC_KILLED                                                     \
    CODE_PARTIAL, "exec", "@%" PRIu64 ": the command was ended by signal %d", \
        "this record comes first when it goes on; '|| true' behind CMD passes over"
#define ERROR_EXEC_NOT_RUN                                    \
    CODE_IO, "io", "the command of --exec cannot be run: %s", \
        "end other programs; whether there is a sh: command -v sh"
#define ERROR_CURSOR_REWOUND                                                          \
    CODE_STALE, "rewound",                                                            \
        "%s: the record before @%" PRIu64                                             \
        " is not the one remembered: a power cut took it, or the log is another one", \
        "remove the file to begin anew, or go on with --from R"
#define ERROR_NOT_A_CURSOR_FILE                       \
    CODE_USAGE, "invalid", "%s is not a cursor file", \
        "name another file, or remove this one to begin anew"
#define ERROR_CURSOR_OF_OTHER \
    CODE_USAGE, "invalid", "%s belongs to another basin", "each basin needs a file of its own"
#define ERROR_NOTHING_TO_MARK                                             \
    CODE_NO, "not_found", "the log is empty: there is no record to mark", \
        "append one first: flume append TEXT"

/* ---- blob ---- */

#define BLOB_REMEDY "a blob is a content's hash, a name, @17, a label: flume DB blob list"
#define ERROR_NO_BLOB_HASH CODE_NO, "not_found", "no blob's hash begins with %s", BLOB_REMEDY
#define ERROR_NO_BLOB_NAME \
    CODE_NO, "not_found", "no blob has the name '%s', no record such a label", BLOB_REMEDY
#define ERROR_NOT_A_BLOB \
    CODE_NO, "not_found", "@%" PRIu64 " is not a blob", "to see what it is: flume DB get R --meta"
#define ERROR_AMBIGUOUS_BLOB \
    CODE_AMBIGUOUS, "ambiguous", "%zu blobs' hashes begin with %s", "give more digits"
#define ERROR_BLOB_DAMAGED         \
    CODE_DAMAGED, "damaged", "%s", \
        "what else is: flume DB blob verify --all; who has it stores it again: blob put --prove"
#define ERROR_GRAINS_ABSENT \
    CODE_IO, "absent", "%s", "to say where they have gone: flume DB blob grains --path DIRECTORY"
#define ERROR_CHUNKS_AWAY                                                                        \
    CODE_PARTIAL, "absent",                                                                      \
        "the chunks that %" PRIu64 " records refer to were not looked at: they are not at %s%s", \
        "mount their volume, or say where they have gone: flume DB blob grains --path DIRECTORY"
#define ERROR_GRAINS_UNNAMED                                                                   \
    CODE_PARTIAL, "absent",                                                                    \
        "the chunks that %" PRIu64                                                             \
        " records refer to were not looked at: GRAINS, which says where they are, is missing", \
        "to say where they are: flume DB blob grains --path DIRECTORY"
#define ERROR_NOTHING_TO_PUT                        \
    CODE_USAGE, "usage", "there is nothing to put", \
        "name a FILE, or - for standard input, which is a terminal here"
#define ERROR_INPUT_TWICE \
    CODE_USAGE, "usage", "standard input can be put once", "leave out one of the -"
#define ERROR_ONE_BLOB_NAME \
    CODE_USAGE, "usage", "--name belongs to one file", "put them one by one; -l labels them all"
#define ERROR_BAD_BLOB_NAME                                   \
    CODE_USAGE, "usage", "this cannot be the name of a blob", \
        "1 to 250 bytes of UTF-8 without control bytes"
#define ERROR_BAD_MEDIA_TYPE                            \
    CODE_USAGE, "usage", "this cannot be a media type", \
        "1 to 127 printable ASCII characters: image/png"
#define ERROR_CHUNK_BYTES_FIXED \
    CODE_USAGE, "usage", "chunks cannot have this size", "4k to 4M: --chunk-bytes 64k"
#define ERROR_CHUNK_BYTES_CDC                                            \
    CODE_USAGE, "usage", "content-defined chunks cannot have this size", \
        "a power of two, 16k to 1M: --chunk-bytes 64k"
#define ERROR_BLOB_DIRECTORY                  \
    CODE_USAGE, "usage", "%s is a directory", \
        "put its files: blob put DIRECTORY/*; or all as one: tar -c DIRECTORY | flume DB blob put"
#define ERROR_BAD_BYTE_RANGE                             \
    CODE_USAGE, "usage", "this is not a range of bytes", \
        "A..B, A.. or ..B, bytes or with k, M, G: --range 0..512, --range 1M.."
#define ERROR_BEHIND_BLOB                                                           \
    CODE_NO, "not_found", "the range begins behind the end: the blob has %s bytes", \
        "how large it is: flume DB blob stat BLOB"
#define ERROR_BLOB_IS_BYTES                                       \
    CODE_USAGE, "usage", "blob get writes the bytes as they are", \
        "leave it out, or write to a file: -o FILE; about it: blob stat BLOB"
#define ERROR_BLOB_IS_BINARY                                             \
    CODE_USAGE, "usage", "this is not text, and would go to a terminal", \
        "to a file: -o FILE; to another program: | PROGRAM; here nevertheless: --mode raw"
#define ERROR_VERIFY_WHICH_BLOB                                \
    CODE_USAGE, "usage", "either blobs are named or --all is", \
        "flume DB blob verify BLOB..., or --all"

/* ---- scopes ---- */

#define ERROR_NO_BATCH \
    CODE_NO, "not_found", "no batch's id begins with %s", "batches: flume DB batch list"
#define ERROR_AMBIGUOUS_BATCH CODE_AMBIGUOUS, "ambiguous", "%s", "give more of the id"
#define ERROR_NOT_A_SCOPE \
    CODE_NO, "not_found", "@%" PRIu64 " is not a scope", "scopes: flume DB scope list"
#define ERROR_GRAPH_NODES                                 \
    CODE_USAGE, "usage", "a graph shows 1 to %d of them", \
        "narrow it down: A..B, -l LABEL, --around R"
#define ERROR_GRAPH_ROWS_FILE                                   \
    CODE_USAGE, "usage", "rows are written to standard output", \
        "leave -o out, or say --format tree, dot or svg"
#define ERROR_NO_SCOPE_ID \
    CODE_NO, "not_found", "no scope has this id", "scopes: flume DB scope list"
#define ERROR_NOT_A_VARIABLE                      \
    CODE_USAGE, "usage", "this is not KEY=VALUE", \
        "n=100, name=\"a text\", an object of JSON, or - for one on standard input"
#define ERROR_KEY_TWICE CODE_USAGE, "usage", "the key '%s' is set twice", "leave out one of them"
#define ERROR_BAD_VARIABLE     \
    CODE_USAGE, "usage", "%s", \
        "VALUE is JSON: 1, 1.5, true, null, \"text\", or a word; keys do not begin with @"
#define ERROR_SCOPE_INPUT                                           \
    CODE_USAGE, "usage", "standard input is larger than any scope", \
        "one JSON object of at most 16 MiB; what is large goes in as a blob: blob put FILE"

/* ---- cache ---- */

#define ERROR_BAD_CACHE_KEY                          \
    CODE_USAGE, "usage", "this cannot be a key: %s", \
        "a scope is a JSON object: '{\"n\":1}'; keys: flume cache -h"
#define ERROR_NO_CACHE_RECORD                                                            \
    CODE_NO, "not_found", "record @%" PRIu64 " is neither a scope nor a value in force", \
        "values: flume DB cache list"
#define ERROR_NOTHING_CACHED \
    CODE_NO, "not_found", "there is no value under this key", "values: flume DB cache list"
#define ERROR_ONE_CACHE_VALUE                           \
    CODE_USAGE, "usage", "a key is put with one value", \
        "flume DB cache put KEY VALUE, or --file FILE"
#define ERROR_ONE_SCOPE_VALUE                             \
    CODE_USAGE, "usage", "a scope is put with one value", \
        "flume DB scope put KEY=VALUE... --value TEXT, or --file FILE"
#define ERROR_CACHE_IS_BYTES                                 \
    CODE_USAGE, "usage", "get writes the bytes as they are", \
        "leave --json out, or write to a file: -o FILE; about it: cache list"

/* ---- views ---- */

#define ERROR_NO_VIEW \
    CODE_NO, "not_found", "no view '%s'", "views: flume view list; to declare one: flume help views"
#define ERROR_NO_DECLARED_VIEW                     \
    CODE_NO, "not_found", "no declared view '%s'", \
        "views: flume view list; to declare one: flume help views"
#define ERROR_VIEW_BEHIND                                                        \
    CODE_STALE, "timeout", "view %s is %s behind: at @%" PRIu64 " of @%" PRIu64, \
        "wait longer with --timeout SEC, or take what it has: --stale-ok"
#define ERROR_VIEWS_BEHIND                                              \
    CODE_STALE, "timeout", "the views did not come to the end in time", \
        "wait longer with --timeout SEC, or take what they have: --stale-ok"
#define ERROR_REBUILD_WHICH \
    CODE_USAGE, "usage", "which view was not said", "flume view rebuild NAME..., or --all"
#define ERROR_REBUILD_NAMED_AND_ALL                            \
    CODE_USAGE, "usage", "either views are named or --all is", \
        "flume view rebuild NAME..., or --all"
#define ERROR_VIEW_CODE_ABSENT \
    CODE_STALE, "view", "view %s cannot be %s: its code is not here", "load it with --load FILE.so"
#define ERROR_VIEW_REPLACED                                                             \
    CODE_NO, "not_found", "view %s was dropped or declared anew by somebody meanwhile", \
        "what there is: flume view list"
#define ERROR_VIEW_DIFFERS \
    CODE_DAMAGED, "different", "view %s is not what the log says", "flume view rebuild makes it new"
#define ERROR_DERIVE_WHAT                                      \
    CODE_USAGE, "usage", "what is to be derived was not said", \
        "a field view: --json-path .a.b; a fold: --reduce count"
#define ERROR_BY_WITHOUT_FOLD \
    CODE_USAGE, "usage", "--by belongs to a fold (--reduce)", "flume help views"
#define ERROR_UNIQUE_FOLD \
    CODE_USAGE, "usage", "--unique belongs to a field view", "flume help views"
#define ERROR_TYPED_FOLD CODE_USAGE, "usage", "--type belongs to a field view", "flume help views"
#define ERROR_PATH_TOO_LONG \
    CODE_USAGE, "usage", "this path is too long", "a path has at most 256 bytes"
#define ERROR_VIEW_NAME_RESERVED \
    CODE_USAGE, "usage", "find could not ask it: this is a word of its own", "choose another name"
#define ERROR_VIEW_NAME_TOO_LONG \
    CODE_USAGE, "usage", "this name is too long", "at most 40 of a-z, 0-9, '.', '_', '-'"
#define ERROR_BAD_DECLARATION CODE_USAGE, "usage", "%s", "flume help views"
#define ERROR_VIEW_BUILT_IN \
    CODE_USAGE, "usage", "this view is built in", "to make it again: flume view rebuild"
#define ERROR_KEY_NOT_HEX                                                     \
    CODE_USAGE, "usage", "these keys begin with pairs of hexadecimal digits", \
        "an even number of 0-9, a-f"
#define ERROR_NO_TABLE CODE_USAGE, "usage", "it has no such table", "its tables: {NAMES}"
#define ERROR_NOT_LOADED \
    CODE_IO, "io", "%s", "--load takes a shared object: cc -shared -fPIC -o mine.so mine.c"
#define ERROR_NO_VIEWS_INSIDE \
    CODE_USAGE, "usage", "it has no %s[]", "what it is to have: flume help views"

/* ---- check, repair, bench ---- */

#define ERROR_END_DAMAGED                                                            \
    CODE_DAMAGED, "damaged", "the end of the log is damaged, at @%" PRIu64 " first", \
        "all of it: flume DB check --full"
#define ERROR_NOBODY_TO_ASK                                                    \
    CODE_USAGE, "usage", "repair changes the basin and nobody is here to ask", \
        "add --yes; or see what it would do with --dry-run"
#define ERROR_BENCH_OWN_BASIN \
    CODE_USAGE, "usage", "bench uses a basin of its own", "leave out the basin; TMPDIR says where"
#define ERROR_BENCH_SIZE                                    \
    CODE_USAGE, "usage", "this is no size for a benchmark", \
        "at most 16 MiB each and 64 GiB together"

/* ---- prove ---- */

#define ERROR_NOT_A_ROOT \
    CODE_USAGE, "usage", "this is not a root", "64 hexadecimal digits: flume DB prove shows them"
#define ERROR_NOT_A_ROOT_NOR_END                                      \
    CODE_USAGE, "usage", "this is neither a root nor the end of one", \
        "64 hexadecimal digits, or the end that flume DB prove showed with them: 1000"
#define ERROR_CHECKED_ALONE                              \
    CODE_USAGE, "usage", "a proof is checked by itself", \
        "leave out the basin, the record, --from and -o"
#define ERROR_NOTHING_CHECKED                                    \
    CODE_USAGE, "usage", "there is no proof to compare it with", \
        "flume prove --check FILE --root ROOT --body FILE"
#define ERROR_RECORD_AND_ROOT                                              \
    CODE_USAGE, "usage", "either a record is proved, or an older root is", \
        "leave out the record, or --from"
#define ERROR_NOTHING_PROVED \
    CODE_USAGE, "usage", "there is no proof to write", "name a record, or an older root with --from"
#define ERROR_NOT_A_PROOF \
    CODE_USAGE, "invalid", "%s is not a proof", "to make one: flume DB prove R -o FILE"
#define ERROR_PROOF_UNREADABLE \
    CODE_USAGE, "invalid", "%s: %s", "have it made anew: flume DB prove R -o FILE"
#define ERROR_PROOF_FILE_TOO_LARGE                       \
    CODE_USAGE, "too_large", "%s has more than %zu MiB", \
        "the text of a proof has at most 64 MiB, a body 16"
#define ERROR_PROOF_FAILS            \
    CODE_NO, "not_proved", "%s: %s", \
        "believe nothing of it; have it made anew: flume DB prove R -o FILE"
#define ERROR_ROOT_NOT_PASSED                               \
    CODE_NO, "not_proved", "%s does not lead to this root", \
        "it is of another log, older than what is proved, or younger than the proof"
#define ERROR_ROOTS_HAVE_NO_BODY \
    CODE_USAGE, "usage", "this proof is of two roots, not of a record", "leave out --body"

/* ---- run ---- */

#define ERROR_RUN_NOT_FOUND \
    CODE_NOT_FOUND, "not_found", "%s: there is no such command", "name its path, or look at PATH"
#define ERROR_RUN_NOT_EXECUTABLE \
    CODE_NOT_RUN, "not_executable", "%s cannot be executed: %s", "chmod +x, or name what runs it"
#define ERROR_RUN_NOT_STARTED \
    CODE_RUN, "io", "%s cannot be started: %s", "end other programs, and try again"
#define ERROR_RUN_KEY                                                 \
    CODE_RUN, "usage", "the key '%s' is one that run sets by itself", \
        "argv, in, out, env, cwd, stdin are its own: choose another name"
#define ERROR_RUN_VARIABLE \
    CODE_RUN, "invalid", "%s", "words and names become keys and values of a scope: flume help scope"
#define ERROR_RUN_ENV \
    CODE_RUN, "usage", "this is not the name of a variable of the environment", "--env LANG"
#define ERROR_RUN_OUTPUT_NAME \
    CODE_RUN, "usage", "this is not the name of a file", "name each file: --out a --out b"
#define ERROR_RUN_IN_AND_OUT                                                  \
    CODE_RUN, "usage", "a file is what the command reads, or what it writes", \
        "what it changes in place cannot be told from what it was given"
#define ERROR_RUN_OUTPUT_KIND \
    CODE_RUN, "invalid", "%s is no regular file", "--out names regular files, one each"
#define ERROR_RUN_OUTPUT_MISSING                           \
    CODE_RUN, "missing", "the command has not written %s", \
        "leave out this --out, or look at what the command does; nothing was recorded"
#define ERROR_RUN_OUTPUT_OLD                                         \
    CODE_RUN, "missing", "the command has left %s as it was before", \
        "remove it first, or leave out this --out; nothing was recorded"
#define ERROR_RUN_RESULT                                                      \
    CODE_RUN, "damaged", "what is recorded of this run cannot be understood", \
        "to run it again, and record that: --force"
#define ERROR_RUN_BUSY \
    CODE_RUN, "busy", "another flume run has been at it longer than --timeout", "wait, or end it"
#define ERROR_RUN_ITSELF                                                             \
    CODE_RUN, "busy", "this is within the same flume run: it would wait for itself", \
        "give one of the two another --scope"
#define ERROR_RUN_STANDARD_INPUT \
    CODE_RUN, "usage", "standard input is read once", "either --scope -, or --in -"

/* ---- status, top, hist, plot, dump ---- */

#define ERROR_NO_SCRATCH                               \
    CODE_IO, "io", "no temporary directory in %s: %s", \
        "choose another place with TMPDIR; bench can do without: --memory"
#define ERROR_TOP_ROWS \
    CODE_USAGE, "usage", "these are too many rows", "top shows at most 65536; all: flume log"
#define ERROR_NO_HIST \
    CODE_USAGE, "usage", "hist cannot show this", "choose one of: size, gap, latency"
#define ERROR_LATENCY_OF_RECORDS                                           \
    CODE_USAGE, "usage", "latency is measured now, not read from records", \
        "leave out -l, --since and --until"
#define ERROR_NO_PLOT \
    CODE_USAGE, "usage", "plot cannot draw this", "choose one of: rate, lag, size, timeline"
#define ERROR_TERM_AND_FILE \
    CODE_USAGE, "usage", "--term draws here, -o into a file", "leave one of them out"
#define ERROR_LAG_OF_RECORDS                                                  \
    CODE_USAGE, "usage", "lag is how views stand now, whatever records hold", \
        "leave out -l, --since and --until"
#define ERROR_NOT_A_STRATA \
    CODE_DAMAGED, "damaged", "%s has not the header of a strata", "what is damaged: flume DB check"
#define ERROR_STRATA_SEALED                                                             \
    CODE_NO, "sealed", "%s is sealed: its grains lie packed in blocks, not one by one", \
        "the record: flume DB get @SEQ --meta; the file: flume DB strata -v"
#define ERROR_STRATA_FORM                                                       \
    CODE_VERSION, "version", "%s is of a form that this program does not know", \
        "a newer flume is needed"
#define ERROR_GRAIN_NOWHERE                                                   \
    CODE_DAMAGED, "damaged", "where @%" PRIu64 " lies, the files do not say", \
        "what is damaged: flume DB check"

/* ---- the shell: repl/shell/ ---- */

#define ERROR_NO_BASIN_OPEN CODE_USAGE, "usage", "no basin is open", "to open one: .open PATH"
#define ERROR_NO_BASIN_THERE                        \
    CODE_NO_BASIN, "no_basin", "%s does not exist", \
        "to make one: flume PATH init, or append --create"
#define ERROR_NOTHING_PRINTED                                                             \
    CODE_NO, "not_found", "_ is the record that was printed last, and there is none yet", \
        "print one: get, log, append; a label of that name is label:_"
#define ERROR_PRINTED_ELSEWHERE                                                  \
    CODE_NO, "not_found", "the record that was printed last is not in this log", \
        "print one of this log: get, log"
#define ERROR_NO_DOT CODE_USAGE, "usage", "no dot-command '%s'", "which there are: .help"
#define ERROR_DOT_COMMAND \
    CODE_USAGE, "usage", "commands have no dot before them", "leave out the dot"
#define ERROR_DOT_OPERANDS CODE_USAGE, "usage", "%s", "usage: {DOT-COMMAND}"
#define ERROR_NO_SETTING CODE_USAGE, "usage", "no such setting", "which there are: .set"
#define ERROR_BAD_SETTING \
    CODE_USAGE, "usage", "this is not a number that can be set", "{WHAT IT SETS}"
#define ERROR_NOT_A_SUBSCRIPTION                                     \
    CODE_USAGE, "usage", "this is not the number of a subscription", \
        "its beginning told it; to end all: .cancel"
#define ERROR_NO_SUBSCRIPTION \
    CODE_NO, "not_found", "there is no such subscription", "to begin one: subscribe [LABEL...]"
#define ERROR_RC_LINE                                                    \
    CODE_USAGE, "usage", "only settings may stand in the start-up file", \
        "the line is left out; --no-rc leaves out the file"
#define ERROR_READ_DEPTH \
    CODE_USAGE, "usage", ".read in .read goes no deeper than %d", "a file reads itself, perhaps"
#define ERROR_NO_SHELL \
    CODE_IO, "io", "a shell command cannot be started: %s", "end other programs, and try again"
#define ERROR_WATCH_COUNT \
    CODE_USAGE, "usage", "this is not a number of runs", ".watch -n 3 1 status"
#define ERROR_WATCH_SPAN                                                             \
    CODE_USAGE, "usage", "this is not a span of time, or it is shorter than 0.01 s", \
        "seconds, or with ms, s, m: .watch 1 status"
#define ERROR_WATCH_WATCH \
    CODE_USAGE, "usage", "this is being done already", "name the command itself"
#define ERROR_WATCH_ENDLESS                                            \
    CODE_USAGE, "usage", "outside a terminal it has to end by itself", \
        "so many runs: .watch -n 3 1 status"
#define ERROR_WATCH_FAILED \
    CODE_IO, "io", "what a run writes cannot be caught: %s", "end other programs, and try again"

/* What a message is, where one is kept or handed on: (struct error_message){ERROR_BAD_SEQ}. */
struct error_message {
    int code;
    const char *name, *format, *remedy;
};

/** What to do about a status of the library. NULL: nothing is known. */
const char *error_remedy_of(int status);

/** A remedy with `fill` in the place of its word in braces; without it (NULL) the word itself. */
void error_fill(struct text *target, const char *remedy, const char *fill);

/** All messages, and then all statuses of the library, with exit codes and remedies. */
void error_list(struct text *target);

#endif
