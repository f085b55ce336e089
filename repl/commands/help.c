/*
 * help.c - the overview and the topics (help.h).
 */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "errors.h"
#include "exit_code.h"
#include "flume/version.h"
#include "guide.h"

enum { WRAP_CELLS = 78, TITLE_CELLS = 10 };

void help_wrap(struct text *text, const char *words, size_t indent)
{
    size_t cells = WRAP_CELLS; /* The first word begins a line. */
    bool first = true;

    while (*words != '\0') {
        size_t bytes = strcspn(words, " ");

        if (cells + 1 + bytes > WRAP_CELLS) {
            text_format(text, "%s%*s", first ? "" : "\n", (int)indent, "");
            cells = indent;
        } else {
            text_char(text, ' ');
            cells++;
        }
        first = false;
        text_add(text, words, bytes);
        cells += bytes;
        words += bytes;
        words += strspn(words, " ");
    }
    text_char(text, '\n');
}

/* A title, and names behind it, on as many lines as they need. */
static void add_names(struct text *text, const char *title, const char *names)
{
    size_t begin = text->bytes;

    help_wrap(text, names, TITLE_CELLS);
    if (!text->failed) /* The first line is indented, too. */
        memcpy(text->data + begin, title, strlen(title));
}

static void add_group(struct text *text, enum guide_group group)
{
    struct text names = {0};

    for (enum command_id id = 0; id < COMMAND_COUNT; id++)
        if (guide_table[id].group == group)
            text_format(&names, "%s ", command_of(id)->name);
    add_names(text, guide_group_name(group), text_c_string(&names));
    text_deinit(&names);
}

static void add_topic_names(struct text *text)
{
    struct text names = {0};

    for (unsigned i = 0; help_topic_name(i) != NULL; i++)
        text_format(&names, "%s ", help_topic_name(i));
    add_names(text, "topics", text_c_string(&names));
    text_deinit(&names);
}

/* They can be typed as they stand, one after another, where there is no basin yet. */
static void add_beginning(struct text *text)
{
    text_string(text, "to begin:\n"
                      "  flume demo.flume append --create -l note 'first light'\n"
                      "  flume demo.flume get last\n"
                      "  flume demo.flume tail\n"
                      "  flume demo.flume mark start -m 'it all begins'\n"
                      "  flume demo.flume find label note\n\n");
}

void help_overview(struct text *text, enum help_place place)
{
    text_string(text,
                "flume " FLUME_VERSION ": an append-only log with many readers and writers\n\n");
    if (place == HELP_AT_PROMPT)
        text_string(text,
                    "COMMAND [OPTIONS] [ARGS]   Tab completes, Ctrl-C discards, Ctrl-D leaves\n"
                    "COMMAND > FILE, COMMAND | SHELL COMMAND, !SHELL COMMAND, .SETTING\n\n");
    else
        text_string(text,
                    "usage: flume [DB] COMMAND [OPTIONS] [ARGS]   or flume DB: a prompt\n"
                    "DB is the path of a basin, with . or / in it; else FLUME_DB is used\n\n");
    add_beginning(text);
    for (unsigned group = GUIDE_HIDDEN + 1; group < GUIDE_GROUP_COUNT; group++)
        add_group(text, (enum guide_group)group);
    add_topic_names(text);
    text_string(text,
                "\nflume help COMMAND, flume help TOPIC (flume help commands: a line for each)\n");
}

/* ---- at the prompt ---- */

static bool has(const char *line, size_t bytes, const char *part)
{
    return memmem(line, bytes, part, strlen(part)) != NULL;
}

/* A command on the basin of the prompt. Whoever has a prompt has a basin: nothing is created. */
static void add_command(struct text *text, const char *line, size_t bytes)
{
    static const char create[] = " --create";
    const char *created = memmem(line, bytes, create, sizeof(create) - 1);
    size_t before = created == NULL ? bytes : (size_t)(created - line);
    size_t behind = created == NULL ? bytes : before + sizeof(create) - 1;

    text_add(text, line, before);
    text_add(text, line + behind, bytes - behind);
}

/* An example as it is typed at flume>: without the program, or to be run by a shell. */
static void add_example(struct text *text, const char *line, size_t bytes)
{
    static const char demo[] = "flume demo.flume ", flume[] = "flume ";
    size_t demo_bytes = sizeof(demo) - 1, flume_bytes = sizeof(flume) - 1;
    bool is_shells = has(line, bytes, "||") || has(line, bytes, ";");
    const char *word = line + flume_bytes;

    if (bytes > demo_bytes && memcmp(line, demo, demo_bytes) == 0 && line[demo_bytes] != '-' &&
        !is_shells)
        add_command(text, line + demo_bytes, bytes - demo_bytes);
    else if (bytes > flume_bytes && memcmp(line, flume, flume_bytes) == 0 &&
             command_find(word, strcspn(word, " \n")) != NULL)
        text_add(text, word, bytes - flume_bytes);
    else
        text_format(text, "!%.*s", (int)bytes, line);
}

/* A line of a text, with `flume help x` and `flume [DB] x` as they are said at the prompt. */
static void add_words(struct text *text, const char *line, size_t bytes)
{
    static const char *const left_out[] = {"flume [DB] ", "flume help "};
    static const char *const instead[] = {"", "help "};

    for (size_t at = 0; at < bytes;) {
        bool found = false;

        for (size_t i = 0; i < 2 && !found; i++) {
            size_t word_bytes = strlen(left_out[i]);

            found = bytes - at >= word_bytes && memcmp(line + at, left_out[i], word_bytes) == 0;
            if (found) {
                text_string(text, instead[i]);
                at += word_bytes;
            }
        }
        if (!found)
            text_char(text, line[at++]);
    }
}

void help_at_prompt(struct text *text)
{
    struct text result = {0};
    const char *line = text_c_string(text);
    bool are_examples = false;

    while (*line != '\0') {
        size_t bytes = strcspn(line, "\n");

        if (are_examples && strncmp(line, "  ", 2) == 0) {
            text_string(&result, "  ");
            add_example(&result, line + 2, bytes - 2);
        } else {
            add_words(&result, line, bytes);
        }
        text_char(&result, '\n');
        are_examples = strncmp(line, "for example:", 12) == 0 ||
                       strncmp(line, "to begin:", 9) == 0 || (are_examples && *line == ' ');
        line += bytes + (line[bytes] == '\n' ? 1 : 0);
    }
    text_deinit(text);
    *text = result;
}

/* ---- topics ---- */

static void topic_refs(struct text *text)
{
    text_string(
        text,
        "Records are named like this:\n\n"
        "  @17, 17       the record with seq 17 (the 18th: seqs count from 0)\n"
        "  first         the oldest record\n"
        "  last          the newest record\n"
        "  last~2        two records before the newest\n"
        "  _             at a prompt or in a script: the record that was printed last\n"
        "  run/1         the newest record with the label run/1\n"
        "  run/1~2       the second before that with the same label\n"
        "  :crash        the record that the bookmark crash names (flume mark)\n"
        "  64b4b2        the record whose body's BLAKE3 begins so: 4 digits or more. Of equal\n"
        "                bodies the oldest. b3sum prints the same hash, get --meta shows it\n"
        "  A..B          from A up to, not including, B; for log and export\n"
        "  A..  ..B      open ends\n\n"
        "What looks like a number is a seq, and what looks like a hash (hexadecimal digits, a\n"
        "letter among them) is one. Where a name looks like something else, say what it is:\n\n"
        "  seq:17  hash:6412  label:last  label:beef~1  mark:crash\n\n"
        "A prefix that fits several hashes ends with exit code 10 and shows them. Labels,\n"
        "bookmarks and hashes are answered by views (flume help views), seqs, first and last by\n"
        "the log itself.\n\n"
        "For blob, digits are the beginning of a content's hash, and a word that is no seq and no\n"
        "hash is the name of a blob (put --name), else a label; the record must be a blob's.\n\n"
        "first and last pass over manifests: these are records that say who wrote, which flume\n"
        "appends itself before a writer's first record. So @0 is a manifest, as a rule.\n\n"
        "Times, for --since, --until and --time (without a zone: UTC):\n\n"
        "  2h, 30m, 1d, 90s         so long ago\n"
        "  2026-11-20               that day's beginning\n"
        "  2026-11-20T09:00         with seconds, fraction and zone if wanted (+01:00, Z)\n"
        "  @1790000000.5            seconds since 1970\n"
        "  now\n\n"
        "for example:\n"
        "  flume demo.flume get last~2\n"
        "  flume demo.flume get run/1~1\n"
        "  flume demo.flume log :before-retune..last\n"
        "  flume demo.flume log @100..@200\n"
        "  flume demo.flume log --since 2h --until 1h\n");
}

static void topic_views(struct text *text)
{
    text_string(
        text,
        "A view is derived from the log: rows in tables of its own, under views/ in the basin.\n"
        "It can be thrown away at any time (rm -r DB/views): it is made again from the log.\n\n"
        "Built in are hash (bodies by content), label (labels and bookmarks) and those that keep\n"
        "flume's own books. Over JSON bodies more can be declared; the declaration is a record in\n"
        "the log, so every program that opens the basin has them:\n\n"
        "  view add temp --json-path .temp --type number    find temp 20..30\n"
        "  view add name --json-path .name --unique         find name gcc\n"
        "  view add tags --json-path '.tags[]'              find tags 'x*'\n"
        "  view add hosts --reduce count --by .host         find hosts\n"
        "  view add heat --reduce max --json-path .temp --by label\n\n"
        "A path is .a.b, .a[0], .a[] (each element) or .\"odd name\". A field view looks at\n"
        "numbers, texts, true, false and null; bodies that are not JSON are passed over.\n\n"
        "Waiting. A question is answered as of the end of the log at that moment. A view that is\n"
        "behind is brought up to date first, by whoever asks; that takes as long as it takes, and\n"
        "shows a bar on a terminal after half a second. Otherwise:\n\n"
        "  --timeout SEC   give up after SEC: exit code 9, with the view and how far it is behind\n"
        "  --as-of R       what came behind record R need not be in the answer\n"
        "  --stale-ok      answer at once from what is there; a note says as of when (exit code 9\n"
        "                  if the view was never built)\n"
        "  Ctrl-C          give up; what was done so far is kept\n\n"
        "States: live (has met the whole log), catching up (behind), rebuilding, paused, failed\n"
        "(the reason stands in the last column), closed (not built yet: the first question builds\n"
        "it), code not here (made by another program; --load FILE.so loads a program's views).\n\n"
        "What --load wants is a shared object with a list of definitions (flume/view.h):\n\n"
        "  const flume_view_definition *const flume_views[] = {&mine, NULL};\n"
        "  cc -shared -fPIC -o mine.so mine.c\n\n"
        "view rebuild makes a view again beside the old one, which goes on answering; when it is\n"
        "interrupted, the next rebuild goes on there. view verify derives it once more and\n"
        "compares: exit code 4 if anything differs. view sync waits until views have met the log.\n\n"
        "for example:\n"
        "  flume demo.flume view status\n"
        "  flume demo.flume view status --json | jq -es 'all(.[]; .lag == 0)'\n"
        "  flume demo.flume find temp 20..30 and label run/1 --timeout 2\n"
        "  flume --load ./mine.so demo.flume view rows mine -n 10\n");
}

static void topic_exit_codes(struct text *text)
{
    const struct exit_code_row *row;

    text_string(text, "How flume ends:\n\n");
    for (unsigned i = 0; (row = exit_code_row(i)) != NULL; i++)
        text_format(text, "  %3d  %-11s  %s\n", row->code, row->name, row->when);
    text_string(text,
                "\nWhere several apply: signal, 70, 4, 6, 8, 7, 5, 9, 10, 2, 3, 1.\n"
                "With --json an error is an object on stderr with \"code\" and \"name\"; its name\n"
                "is that of the library's status where there is one.\n\n"
                "for example:\n"
                "  flume demo.flume log --grep error -n 1 || echo none\n"
                "  flume demo.flume check; test $? -ne 4 || echo damaged\n");
}

static void topic_json(struct text *text)
{
    text_string(
        text,
        "With --json every line of stdout is one object (with --mode json they are one array).\n"
        "Its \"type\" says what it is:\n\n"
        "  record    seq, time (RFC 3339, UTC, nanoseconds), labels, kind, codec, bytes, enc,\n"
        "            payload; enc is json (payload is a value), utf8 (a text) or b64 (base64);\n"
        "            hash (BLAKE3 of the body; not in an export); with get --meta strata, offset\n"
        "            and writer: first seq of its file, place in that, seq of its manifest;\n"
        "            export adds batch where the next record belongs to the same batch\n"
        "  lost      seq; a record that a repair could not restore (export --all)\n"
        "  appended  seq, bytes, labels\n"
        "  basin     path, basin, format, strata_bytes (init)\n"
        "  info      path, basin, format, head, durable, used_bytes, allocated_bytes, strata,\n"
        "            strata_bytes, created, first, last, attached, damaged\n"
        "  stat      numbers as of info; profile, io, poisoned, observer, torn, cut_bytes,\n"
        "            cut_strata, damaged, attached (a list of pid, program, host, since, ...)\n"
        "  rate      time, rec_s, mb_s, head, lag (stat -i)\n"
        "  finding   kind, first, last, file, offset, bytes, action, message (check, repair)\n"
        "  summary   what, sound, records, bytes, strata, head, findings, damaged, lost,\n"
        "            torn_bytes, seconds (check, repair)\n"
        "  imported  records, bytes, batches, skipped, seconds\n"
        "  bench     case, size, count, ops_s, mb_s, p50_ns, p99_ns\n"
        "  label     label, count, bytes, first, last (label list)\n"
        "  labels    labels, count, bytes, first, last (label count)\n"
        "  bookmark  name, seq (null: dropped), time, record, state, labels, note (mark list)\n"
        "  marked    name, seq, record, note (mark)\n"
        "  view      view, version, state, at, lag, lag_bytes, entries, disk, rate, why; list:\n"
        "            view, version, kind, state; status -v also generation, applied, passed_over,\n"
        "            rebuild_done, rebuild_total, usable\n"
        "  declared, dropped   view, seq (view add, drop)\n"
        "  row       key, seq (or null), value (view rows)\n"
        "  value     seq, path, value (get --path)\n"
        "  rebuilt   view, result, records, entries, disk, seconds, why\n"
        "  synced    view, at, lag, waited (view sync: seconds)\n"
        "  verified  view, result, rows, table, difference\n"
        "  group     group, count, value, seq (find of a reduce view)\n"
        "  step      source, at, lag, step (explain)\n"
        "  blob      hash, seq, time, bytes, chunks, media_type, name, labels (blob list); stat:\n"
        "            form (inline, chunked; again: another record has the content), place\n"
        "  put       hash, seq, bytes, chunks, chunks_new, bytes_new, bytes_stored, state (new,\n"
        "            known), file; chunks 0: the content lies in its record\n"
        "  got       hash, from, bytes, file (blob get -o)\n"
        "  has       hash, known, seq, bytes, what\n"
        "  blob_verified   hash, seq, result (sound, damaged, absent), bytes, chunks, chunks_bad,\n"
        "            first_bad, name\n"
        "  chunk     hash, time, bytes, bytes_stored (blob unreferenced); then a summary: what,\n"
        "            blobs, blobs_bad, chunks, bytes_stored, unreferenced, unreferenced_stored,\n"
        "            duplicates\n"
        "  grains    state (none, here, absent), path, grains\n");
    text_string(
        text,
        "  verdict   verdict (new, dup, subset, superset), seq (of the scope it is related to),\n"
        "            record (where it stands; null: a link), extends, keys (a list: what a subset\n"
        "            lacks, what a superset adds), id (scope add)\n"
        "  scope     seq, time, verdict, of, extends, count, labels, variables (an object);\n"
        "            tape, show: enclosing, batch, tare (null: there was none; tape: the id; show:\n"
        "            id, seq of the record that tells of them, tared, a list of key, tare, by, hash);\n"
        "            show: first, last, id, local_id, base (to which it is stored as what it adds);\n"
        "            its variables are a list of key, type, class, local, value\n"
        "  batch     id, records, bytes, first, last, time (batch list)\n"
        "  config    what (setting, default), key, value, labels (the pattern), rule, seq (of\n"
        "            the record that tells it) (scope config)\n"
        "  difference  key, state (differs, left, right: only there), value, other (scope diff);\n"
        "            explain: seq of the nearest, state (differs, new, missing)\n"
        "  stored    seq, time, bytes, how (put, remembered), versions, address, scope (cache\n"
        "            list); put, forget, scope put: seq, bytes, address\n"
        "  values    addresses, bytes, remembered, versions (cache stat)\n"
        "  version, help\n\n"
        "and every line of stderr:\n\n"
        "  error     code, name, message; where known arg, col, seq, errno, remedy, suggest (a\n"
        "            list), candidates (a list of hash, seq, time, body); in a script file, line\n"
        "  warning, note   message\n"
        "  cancelled code, message; where known done, total, unit, remedy (after Ctrl-C)\n"
        "  progress  what, unit, done, total, seconds; number, count (of several); new (what\n"
        "            arrived since the total was fixed); why (a view is rebuilt)\n\n"
        "kind and codec are a name, or a number where there is none. Whole numbers above 2^53\n"
        "are strings. Objects may get more fields; those here stay.\n\n"
        "for example:\n"
        "  flume demo.flume log --json | jq -r .payload\n"
        "  flume demo.flume export | jq -c 'select(.kind == \"message\")' | wc -l\n");
}

static void topic_commands(struct text *text)
{
    text_string(text, "Commands, by what they are for:\n");
    for (unsigned group = GUIDE_HIDDEN + 1; group < GUIDE_GROUP_COUNT; group++) {
        text_format(text, "\n%s\n", guide_group_name((enum guide_group)group));
        for (enum command_id id = 0; id < COMMAND_COUNT; id++)
            if (guide_table[id].group == (enum guide_group)group)
                text_format(text, "  %-10s  %s\n", command_of(id)->name, command_of(id)->summary);
    }
}

static void topic_options(struct text *text)
{
    text_string(text,
                "Every command has these options. Options and operands mix in any order; --\n"
                "ends options. A value follows as the next word, or behind = (--mode=csv), or\n"
                "at once behind a letter (-n5).\n\n");
    help_common_options(text);
}

static void topic_modes(struct text *text)
{
    text_string(
        text, "Rows are written in one of these forms: --mode MODE, or .mode at the prompt.\n"
              "Columns have the same names in all of them, which are the keys of the JSON\n"
              "objects (flume help json).\n\n"
              "  table   on a terminal: columns under a header. Texts that are too wide are\n"
              "          cut; where that is not enough, line is used. Numbers have units\n"
              "  plain   elsewhere: a row a line, cells between tabs, no header. Control\n"
              "          bytes, backslashes and what is not UTF-8 are \\n \\t \\r \\\\ \\xNN. Of\n"
              "          info, stat, init and version a field a line: name, tab, value\n"
              "  json    one array of objects; not for what has no end (-f)\n"
              "  ndjson  an object a line: this is --json\n"
              "  csv     a header and commas, quotes as RFC 4180 has them, lines end in \\n.\n"
              "          Control bytes but tab, \\r and \\n are \\xNN; on a terminal all are.\n"
              "          info and its like are one row\n"
              "  tsv     a header, and plain's cells\n"
              "  raw     bodies as they are, each with a newline behind it (-D TEXT, -0: NUL);\n"
              "          of other rows the first column, of info and its like every value\n"
              "  hex     the same as hexadecimal digits; of a body 16 bytes a line\n"
              "  line    a field a line, a blank line between rows\n"
              "  md      a Markdown table\n\n"
              "A seq is @17 in table, plain, line and md, and 17 elsewhere; yes and no are\n"
              "true and false in csv, tsv and JSON. Times are RFC 3339, UTC, with nanoseconds;\n"
              "tables shorten them. In csv and tsv a record has the column enc: its payload\n"
              "is json, utf8 or b64 (base64), so no byte is lost. Several labels stand in one\n"
              "cell with commas between; a comma in a label is \\,.\n\n"
              "What is taller than the terminal goes to FLUME_PAGER, PAGER or less -FRX, but\n"
              "for --no-pager and .pager never. What comes so slowly that it does not fill the\n"
              "screen within half a second is shown as it comes.\n\n"
              "for example:\n"
              "  flume demo.flume log --mode csv >log.csv\n"
              "  flume demo.flume view status --mode md\n"
              "  flume demo.flume get last --mode hex\n");
}

struct topic {
    const char *name;
    void (*add)(struct text *text);
};

static const struct topic topics[] = {
    {"commands", topic_commands},
    {"options", topic_options},
    {"refs", topic_refs},
    {"modes", topic_modes},
    {"views", topic_views},
    {"json", topic_json},
    {"shell", help_shell},
    {"keys", help_keys},
    {"lines", help_lines},
    {"exit-codes", topic_exit_codes},
    {"errors", error_list},
    {"man", help_manual},
    {"man-commands", help_manual_of_commands},
};

enum { TOPIC_COUNT = sizeof(topics) / sizeof(topics[0]) };

const char *help_topic_name(unsigned index)
{
    return index < TOPIC_COUNT ? topics[index].name : NULL;
}

bool help_topic(struct text *text, const char *topic)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        if (strcmp(topics[i].name, topic) == 0) {
            topics[i].add(text);
            return true;
        }
    }
    return false;
}
