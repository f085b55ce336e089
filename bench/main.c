/*
 * main.c - bench_log: flume's log, views and store beside their peers and the raw limit.
 *
 * Runs groups of benchmarks and prints a table for each, then the targets; --json keeps everything.
 * A wrong result or an engine's error makes the exit status 1; a missed target does not.
 */
#include "bench.h"
#include "child.h"
#include "machine.h"
#include "measure.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct group {
    const char *name;
    const char *family; /* Another name, shared with others; NULL: none. */
    const char *heading;
    int (*run)(struct bench *bench);
};

static const struct group groups[] = {
    {"durable", NULL, "Durable appends: each on the disk before it returns", bench_durable},
    {"latency", NULL, "Latency: append in one process to callback in another", bench_latency},
    {"live", NULL, "Company: 100 B appended while another process follows, or appends too",
     bench_live},
    {"append", NULL,
     "Appends: one thread, visible to other processes (lmdb_commit_once: at the end)",
     bench_append},
    {"read", NULL, "Reads: flume verifies every record; every byte of each body is gone through",
     bench_read},
    {"open", NULL, "Opening a log whose writer was killed, and what an open log costs", bench_open},
    {"sort", "views", "Rows of views, as they come and in order", bench_sort},
    {"rebuild", "views", "Views made anew: an index of hashes from a log, beside those of peers",
     bench_rebuild},
    {"catch_up", "views", "Views that are behind", bench_catch_up},
    {"query", "views", "Questions to views: after an append, and at random", bench_query},
    {"views_on", "views", "What views cost the one who appends", bench_views_on},
    {"seal", "store", "Sealing: how fast, at whose cost, how small", bench_seal},
    {"sealed", "store", "Reads of sealed strata, beside unpacking their blocks", bench_sealed},
    {"blob", "store", "Blobs: content in and out by its hash", bench_blob},
    {"scopes", NULL, "Scopes: 20 variables set, judged against the whole history, and recorded",
     bench_scopes},
};
enum { GROUP_COUNT = sizeof(groups) / sizeof(groups[0]) };

struct arguments {
    struct bench bench;
    const char *json_path;
    const char *parent_path; /* Where the run makes its directory. */
    const char *only;        /* Names of groups, joined by commas; NULL: all. */
};

static const char usage_text[] =
    "usage: bench_log [--quick] [--only GROUP,...] [--dir DIR] [--json FILE] [--seed N]\n"
    "                 [--rounds N] [--records N] [--open-records N]\n"
    "groups: durable latency live append read open views (sort rebuild catch_up query views_on)\n"
    "        store (seal sealed blob) scopes\n";

static int parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *out_value)
{
    char *end;

    errno = 0;
    *out_value = strtoull(text, &end, 10);
    if (errno != 0 || *text == '\0' || *text == '-' || *end != '\0' || *out_value < least ||
        *out_value > most) {
        errno = 0;
        return bench_fail("not a number from %llu to %llu: %s", (unsigned long long)least,
                          (unsigned long long)most, text);
    }
    return 0;
}

/* A smoke run: everything is exercised once, nothing is measured well. */
static void make_quick(struct bench *bench)
{
    bench->records = 10000;
    bench->open_records = 10000;
    bench->rounds = 1;
    bench->slice_ns = 50000000;
    bench->idle_ns = 200000000;
    bench->settle_ns = 200000000;
    bench->opens = 1;
}

static int parse_option(struct arguments *arguments, int letter)
{
    struct bench *bench = &arguments->bench;
    uint64_t number;

    switch (letter) {
    case 'q':
        make_quick(bench);
        return 0;
    case 'd':
        arguments->parent_path = optarg;
        return 0;
    case 'j':
        arguments->json_path = optarg;
        return 0;
    case 'o':
        arguments->only = optarg;
        return 0;
    case 's':
        return parse_number(optarg, 0, UINT64_MAX, &bench->seed);
    case 'r':
        if (parse_number(optarg, 1, 60, &number) != 0)
            return -1;
        bench->rounds = (unsigned)number;
        return 0;
    case 'n':
        return parse_number(optarg, 1000, 100000000, &bench->records);
    case 'N':
        return parse_number(optarg, 1000, 1000000000, &bench->open_records);
    default:
        fputs(usage_text, stderr);
        return -1;
    }
}

static int parse_arguments(struct arguments *arguments, int argc, char **argv)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},         {"dir", required_argument, NULL, 'd'},
        {"json", required_argument, NULL, 'j'},    {"only", required_argument, NULL, 'o'},
        {"seed", required_argument, NULL, 's'},    {"rounds", required_argument, NULL, 'r'},
        {"records", required_argument, NULL, 'n'}, {"open-records", required_argument, NULL, 'N'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (parse_option(arguments, letter) != 0)
            return -1;
    }
    if (optind == argc)
        return 0;
    fputs(usage_text, stderr);
    return -1;
}

/* Whether a group or family is among the names of --only. */
static int is_wanted(const struct arguments *arguments, const char *name)
{
    size_t name_bytes = name == NULL ? 0 : strlen(name);

    for (const char *at = arguments->only; at != NULL;) {
        size_t bytes = strcspn(at, ",");

        if (bytes > 0 && bytes == name_bytes && strncmp(at, name, bytes) == 0)
            return 1;
        at = at[bytes] == ',' ? at + bytes + 1 : NULL;
    }
    return arguments->only == NULL;
}

static int run_groups(struct arguments *arguments)
{
    struct bench *bench = &arguments->bench;
    int status = 0;

    for (unsigned i = 0; i < GROUP_COUNT; i++) {
        uint64_t begun_ns = clock_ns();

        if (!is_wanted(arguments, groups[i].name) && !is_wanted(arguments, groups[i].family))
            continue;
        settle_file_system(bench->dir_path);
        status |= groups[i].run(bench);
        report_print(bench->report, stdout, groups[i].heading);
        fprintf(stderr, "(%s took %.1f s)\n", groups[i].name,
                (double)(clock_ns() - begun_ns) / 1e9);
    }
    report_print_targets(bench->report, stdout);
    return status;
}

static int write_json(const struct arguments *arguments, const struct machine *machine)
{
    const struct bench *bench = &arguments->bench;
    char *machine_text = machine_json(machine);
    char *header = NULL;
    int status = -1;

    if (machine_text != NULL &&
        asprintf(&header, "\"seed\":%llu,\"rounds\":%u,\"records\":%llu,\"open_records\":%llu,\n%s",
                 (unsigned long long)bench->seed, bench->rounds, (unsigned long long)bench->records,
                 (unsigned long long)bench->open_records, machine_text) >= 0)
        status = report_write_json(bench->report, arguments->json_path, header);
    free(header);
    free(machine_text);
    return status;
}

static int run(struct arguments *arguments)
{
    struct bench *bench = &arguments->bench;
    struct machine machine;
    int status;

    machine_describe(&machine, bench->dir_path);
    machine_print(&machine, stdout);
    printf("seed %llu, %u rounds, %llu records, in %s\n", (unsigned long long)bench->seed,
           bench->rounds, (unsigned long long)bench->records, bench->dir_path);
    fflush(stdout);
    status = run_groups(arguments);
    if (arguments->json_path != NULL)
        status |= write_json(arguments, &machine);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .bench = {.seed = 1,
                  .records = 1000000,
                  .open_records = 10000000,
                  .rounds = 5,
                  .slice_ns = 500000000,
                  .idle_ns = 3000000000,
                  .settle_ns = 2500000000,
                  .opens = 5},
        .parent_path = getenv("TMPDIR"),
    };
    struct bench *bench = &arguments.bench;
    char *dir_path;
    int status = child_main(argc, argv);

    if (status >= 0)
        return status;
    if (parse_arguments(&arguments, argc, argv) != 0)
        return 2;
    if (arguments.parent_path == NULL || arguments.parent_path[0] == '\0')
        arguments.parent_path = ".";
    dir_path = engine_path(arguments.parent_path, "bench.XXXXXX");
    if (dir_path == NULL || mkdtemp(dir_path) == NULL) {
        free(dir_path);
        return bench_fail("cannot make a directory in %s", arguments.parent_path), 1;
    }
    bench->dir_path = dir_path;
    bench->report = report_create();
    status = bench->report == NULL ? bench_fail("no memory") : run(&arguments);
    report_destroy(bench->report);
    bench_directory_remove(dir_path);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
