/*
 * help.c - help texts, made from the table of commands (help.h).
 */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "errors.h"
#include "exit_code.h"
#include "flume/version.h"

enum { OPTION_CELLS = 24, WRAP_CELLS = 78 };

void help_usage(struct text *text)
{
    text_string(text, "usage: flume [DB] COMMAND [OPTIONS] [ARGS]\ncommands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        text_format(text, " %s", command_table[i].name);
    text_string(text, "\nmore: flume help, flume help COMMAND\n");
}

/* Words, broken into lines. */
static void add_wrapped(struct text *text, const char *words, size_t indent)
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

static void add_option(struct text *text, enum option_id id)
{
    const struct option *option = &option_table[id];
    char left[80];
    int used = 0;

    if (option->letter != 0)
        used = snprintf(left, sizeof(left), "  -%c%s", option->letter,
                        option->name == NULL ? "" : ", ");
    else
        used = snprintf(left, sizeof(left), "      ");
    if (option->name != NULL)
        used += snprintf(left + used, sizeof(left) - (size_t)used, "--%s", option->name);
    if (option->value != NULL)
        used += snprintf(left + used, sizeof(left) - (size_t)used, " %s", option->value);
    text_format(text, "%-*s  %s%s\n", OPTION_CELLS, left, option->help,
                option->repeats && option->value != NULL ? " (may be repeated)" : "");
}

static void add_options(struct text *text, const struct option_set *set)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (option_set_has(set, (enum option_id)i))
            add_option(text, (enum option_id)i);
}

static void add_common_options(struct text *text)
{
    const struct option_set set = option_set_for_all();

    add_options(text, &set);
}

/* Of the command and of all its forms. */
static void add_own_options(struct text *text, const struct command *command)
{
    const struct subcommand *sub = command->subs;
    struct option_set set = {{0}};

    option_set_add(&set, command->options);
    for (; sub != NULL && sub->name != NULL; sub++)
        option_set_add(&set, sub->options);
    if (command->options == NULL && command->subs == NULL)
        return;
    text_string(text, "\noptions:\n");
    add_options(text, &set);
}

/* A line for each form of a command; one where it has but one. */
static void add_usage(struct text *text, const struct command *command)
{
    const struct subcommand *sub = command->subs;

    if (sub == NULL) {
        text_format(text, "usage: flume [DB] %s%s%s%s\n", command->name,
                    command->options == NULL ? "" : " [OPTIONS]",
                    *command->operands == '\0' ? "" : " ", command->operands);
        return;
    }
    for (; sub->name != NULL; sub++) {
        bool is_implied = command->sub_implied != 0 && sub == &command->subs[command->sub_implied];
        char form[80];

        snprintf(form, sizeof(form), "%s%s%s%s%s", command->name, is_implied ? " [" : " ",
                 sub->name, is_implied ? "] " : " ", sub->operands);
        text_format(text, "%s flume [DB] %-23s  %s\n", sub == command->subs ? "usage:" : "      ",
                    form, sub->summary);
    }
    if (command->alias != NULL)
        text_format(text, "%s is another name for %s\n", command->alias, command->name);
}

void help_overview(struct text *text)
{
    text_string(text,
                "flume " FLUME_VERSION ": an append-only log with many readers and writers\n\n"
                "usage: flume [DB] COMMAND [OPTIONS] [ARGS]\n\n"
                "DB is the path of a basin (a directory, NAME.flume) and contains . or /; without\n"
                "it FLUME_DB is used. Options and operands mix in any order; -- ends options.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        text_format(text, "  %-9s %s\n", command_table[i].name, command_table[i].summary);
    text_string(text, "\noptions of every command:\n");
    add_common_options(text);
    text_string(text, "\ntopics:");
    for (unsigned i = 0; help_topic_name(i) != NULL; i++)
        text_format(text, " %s", help_topic_name(i));
    text_string(text, "\n\nfor example:\n"
                      "  flume demo.flume init\n"
                      "  flume demo.flume append -l note 'first light'\n"
                      "  flume demo.flume log --json\n");
}

void help_options(struct text *text, const struct command *command)
{
    add_usage(text, command);
    text_format(text, "\n%s\n", command->summary);
    add_own_options(text, command);
    text_format(text, "\nand those of every command: flume help; more: flume help %s\n",
                command->name);
}

void help_command(struct text *text, const struct command *command)
{
    add_usage(text, command);
    text_char(text, '\n');
    add_wrapped(text, command->description, 0);
    add_own_options(text, command);
    text_string(text, "\noptions of every command:\n");
    add_common_options(text);
    text_string(text, "\nfor example:\n");
    for (size_t i = 0; i < COMMAND_EXAMPLES_MAX && command->examples[i] != NULL; i++)
        text_format(text, "  %s\n", command->examples[i]);
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
        "With --json every line of stdout is one object. Its \"type\" says what it is:\n\n"
        "  record    seq, time (RFC 3339, UTC, nanoseconds), labels, kind, codec, bytes, enc,\n"
        "            payload; enc is json (payload is a value), utf8 (a text) or b64 (base64);\n"
        "            hash (BLAKE3 of the body; not in an export); with get --meta strata, offset\n"
        "            and writer: first seq of its file, place in that, seq of its manifest;\n"
        "            export adds batch where the next record belongs to the same batch\n"
        "  lost      seq; a record that a repair could not restore (export --all)\n"
        "  appended  seq, bytes\n"
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
        "  version, help\n\n"
        "and every line of stderr:\n\n"
        "  error     code, name, message; where known arg, col, seq, errno, remedy, suggest (a\n"
        "            list), candidates (a list of hash, seq, time, body); in a script file, line\n"
        "  warning, note   message\n"
        "  cancelled code, message; where known done, total, unit, remedy (after Ctrl-C)\n"
        "  progress  what, unit, done, total, seconds; number, count (of several); new (what\n"
        "            arrived since the total was fixed)\n\n"
        "kind and codec are a name, or a number where there is none. Whole numbers above 2^53\n"
        "are strings. Objects may get more fields; those here stay.\n\n"
        "for example:\n"
        "  flume demo.flume log --json | jq -r .payload\n"
        "  flume demo.flume export | jq -c 'select(.kind == \"message\")' | wc -l\n");
}

struct topic {
    const char *name;
    void (*add)(struct text *text);
};

static const struct topic topics[] = {{"refs", topic_refs},
                                      {"views", topic_views},
                                      {"json", topic_json},
                                      {"lines", help_lines},
                                      {"exit-codes", topic_exit_codes},
                                      {"errors", error_list},
                                      {"man", help_manual}};

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
