/*
 * commands_store.c - the commands that keep contents and values (command_table.h).
 */
#include "command_table.h"

static const struct subcommand blob_subs[] = {
    {"list", "", 0, 0,
     OPTIONS(OPTION_WITH_LABEL, OPTION_SINCE, OPTION_UNTIL, OPTION_ROWS_MAX, OPTION_REVERSE),
     "blobs, oldest first"},
    {"put", "[FILE...|-]", 0, SIZE_MAX,
     OPTIONS(OPTION_BLOB_NAME, OPTION_LABEL, OPTION_MEDIA_TYPE, OPTION_TIME, OPTION_CHUNKING,
             OPTION_CHUNK_BYTES, OPTION_RESUME, OPTION_PROVE_CHUNKS, OPTION_CREATE, PROFILES),
     "files, or standard input, go in"},
    {"get", "BLOB", 1, 1, OPTIONS(OPTION_OUTPUT, OPTION_BYTE_RANGE), "its bytes, verified"},
    {"stat", "BLOB...", 1, SIZE_MAX, NULL, "all about one"},
    {"has", "HASH|FILE...", 1, SIZE_MAX, NULL, "whether it is there (exit code 1: not)"},
    {"verify", "[BLOB...]", 0, SIZE_MAX, OPTIONS(OPTION_EVERY_BLOB), "read it all, and compare"},
    {"unreferenced", "", 0, 0, OPTIONS(OPTION_ROWS_MAX), "chunks that no blob refers to"},
    {"grains", "", 0, 0, OPTIONS(OPTION_GRAINS_PATH, OPTION_STRATA), "where chunks are kept"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

static const struct subcommand cache_subs[] = {
    {"list", "", 0, 0, OPTIONS(OPTION_ROWS_MAX), "every address that has a value"},
    {"put", "KEY [VALUE]", 1, 2,
     OPTIONS(OPTION_SPACE, OPTION_VALUE_FILE, OPTION_LABEL, OPTION_CREATE, PROFILES),
     "put a value, or --file FILE"},
    {"get", "KEY", 1, 1, OPTIONS(OPTION_SPACE, OPTION_OUTPUT), "the newest value, byte for byte"},
    {"forget", "KEY", 1, 1, OPTIONS(OPTION_SPACE, PROFILES), "from here on there is nothing"},
    {"stat", "", 0, 0, NULL, "how many there are, and hits and misses"},
    {NULL, NULL, 0, 0, NULL, NULL},
};

const struct command commands_store[] = {
    {
        .id = COMMAND_BLOB,
        .name = "blob",
        .operands = "list|put|get|stat|has|verify|unreferenced|grains ...",
        .operand_type = OPERAND_TEXT,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(ASKS),
        .subs = blob_subs,
        .summary = "data of any size, by its content",
        .description =
            "A content goes in once, whatever its names: its BLAKE3 says which it is, as b3sum "
            "prints it. Over 1 MiB it is cut into chunks, kept in grains/ and stored once each, "
            "whatever blobs they are part of. A put that was killed is put again: chunks that "
            "are there are not written twice (--resume says how many). What comes out is "
            "verified. BLOB is the content's hash or its beginning, a name, or any reference "
            "to its record (flume help refs). --range takes sizes: 1M..2M. grains --path says "
            "where chunks are to be kept, or where they have gone; without them all but their "
            "bytes goes on working.",
        .examples =
            {
                "flume demo.flume blob put report.pdf --name report --type application/pdf",
                "seq 200000 | flume demo.flume blob put --name numbers --resume",
                "flume demo.flume blob get report -o copy.pdf",
                "flume demo.flume blob get numbers --range 0..64 | head -n 3",
                "flume demo.flume blob list --json | jq -r .hash",
                "flume demo.flume blob has report.pdf",
                "flume demo.flume blob verify --all",
                "flume demo.flume blob grains",
            },
    },
    {
        .id = COMMAND_CACHE,
        .name = "cache",
        .operands = "list|put|get|forget|stat ...",
        .operand_type = OPERAND_TEXT,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(ASKS),
        .subs = cache_subs,
        .summary = "values under a scope or under data",
        .description =
            "A value is put at an address, which KEY makes: {\"n\":100} is a scope, @N the "
            "scope that record N holds, any other word is data; the same key finds it again. "
            "@N is also a value of cache list, and 64 hexadecimal digits are its address. The "
            "newest value wins; --as-of R gives the one that was the newest then. What "
            "programs remember of scopes (flume/recall.h) is listed, read and forgotten here.",
        .examples =
            {
                "flume demo.flume cache put '{\"n\":100,\"eps\":0.1}' converged",
                "flume demo.flume cache get '{\"eps\":0.1,\"n\":100}'",
                "flume demo.flume cache put report.pdf --space thumbnails --file report.pdf",
                "flume demo.flume cache list",
                "flume demo.flume cache forget '{\"n\":100,\"eps\":0.1}'",
            },
    },
    {
        .id = COMMAND_RUN,
        .name = "run",
        .operands = "[--] COMMAND [ARG...]",
        .operand_type = OPERAND_TEXT,
        .runs_another = true,
        .operand_min = 1,
        .operand_max = SIZE_MAX,
        .options = OPTIONS(OPTION_SCOPE, OPTION_LABEL, OPTION_IN, OPTION_OUT, OPTION_ENV,
                           OPTION_CWD, OPTION_FORCE, OPTION_CACHE_FAILURES, OPTION_EXPLAIN,
                           OPTION_CREATE, PROFILES),
        .summary = "run a command once, replay it from then on",
        .description =
            "Runs COMMAND, unless the same was run before: then its output, exit code and --out "
            "files come from the log. The same is: what --scope and --label say, the words of "
            "the command, the name and content of each --in FILE, each --env, and --cwd. Nothing "
            "else of the environment counts: name what the command reads. What it writes is shown "
            "as it comes, and replayed in that order, as far as two pipes can tell it. Its "
            "standard input is empty without --in -. Not recorded is what failed, was ended by a "
            "signal, was not read to its end, or may still be written to from behind. An --out "
            "that the command has not written is an error; files are given back whole, with "
            "their permissions. Of several that want the same at once one runs it, and the others "
            "wait for its result. --explain runs nothing: it shows in which keys the nearest "
            "earlier scope differs, and ends with 0 if COMMAND would be replayed, with 1 if not. "
            "stdout and exit code are COMMAND's own; -v, or --json as an object, says on "
            "stderr what was done. The scope shows in scope list, the result in cache list.",
        .examples =
            {
                "flume demo.flume run -l sweep --scope n=100 -- sh -c 'sleep 0.1; echo 42'",
                "flume demo.flume run --in report.pdf -v -- wc -c report.pdf",
                "flume demo.flume run --out sum -- sh -c 'seq 9 | cksum > sum; echo done'",
                "seq 5 | flume demo.flume run --in - -- ./analyse | tail -n 1",
            },
    },
    {.name = NULL},
};
