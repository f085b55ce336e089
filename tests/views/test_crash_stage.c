/*
 * test_crash_stage.c - a process that stages gigabytes takes little memory, and leaves nothing when
 * it is killed.
 *
 *   FLUME_TEST_LONG  2 GiB are staged, and written, instead of 80 MiB
 */
#include "view_fixture.h"

#include "flume/scope_stage.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leave.h"

enum {
    MIB = 1 << 20,
    CONTENT_BYTES = 8 * MIB,
    CONTENTS = 10,
    CONTENTS_LONG = 256,
    MEMORY_BYTES = 64 * MIB
};

static int contents(void)
{
    return getenv("FLUME_TEST_LONG") != NULL ? CONTENTS_LONG : CONTENTS;
}

/* ---- what is in the basin ---- */

/* Names below a directory, sorted; with their sizes where files have one that tells something. */
static void list_names(const char *directory, char *names, size_t room)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort);

    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat file;

        (void)snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0) {
            size_t used = strlen(names);

            assert_true(used + strlen(path) + 2 < room);
            (void)snprintf(names + used, room - used, "%s\n", path);
            assert_int_equal(lstat(path, &file), 0);
            if (S_ISDIR(file.st_mode))
                list_names(path, names, room);
        }
        free(entries[i]);
    }
    free(entries);
}

static uint64_t bytes_below(const char *directory)
{
    char names[65536] = "";
    uint64_t bytes = 0;
    char *rest = NULL;

    list_names(directory, names, sizeof names);
    for (char *path = strtok_r(names, "\n", &rest); path != NULL;
         path = strtok_r(NULL, "\n", &rest)) {
        struct stat file;

        if (stat(path, &file) == 0 && S_ISREG(file.st_mode))
            bytes += (uint64_t)file.st_blocks * 512;
    }
    return bytes;
}

/* ---- the process that stages ---- */

static uint64_t data_bytes(void)
{
    char line[200];
    uint64_t bytes = 0;
    FILE *file = fopen("/proc/self/status", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmData:", 7) == 0)
            bytes = strtoull(line + 7, NULL, 10) * 1024;
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

/* From here on more memory than that is refused, to whatever asks for it. */
static bool limit_memory(void)
{
    struct rlimit limit = {.rlim_max = RLIM_INFINITY};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true; /* Most of it would be the sanitizer's. */
#endif
    limit.rlim_cur = data_bytes() + MEMORY_BYTES;
    return limit.rlim_cur > MEMORY_BYTES && setrlimit(RLIMIT_DATA, &limit) == 0;
}

struct staging {
    flume *flume;
    flume_recorder *recorder;
    flume_scope *scope;
    uint64_t *data;
};

static void fill(uint64_t *data, uint64_t chance)
{
    for (size_t i = 0; i < CONTENT_BYTES / sizeof *data; i++) {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        data[i] = chance;
    }
}

static bool open_staging(struct staging *staging, const char *path)
{
    static const flume_stage_options options = {.flush_every = 0};

    *staging = (struct staging){.data = malloc(CONTENT_BYTES)};
    return staging->data != NULL && flume_open(&staging->flume, path, NULL, NULL) == FLUME_OK &&
           flume_recorder_open(&staging->recorder, staging->flume, NULL) == FLUME_OK &&
           flume_recorder_stage(staging->recorder, &options) == FLUME_OK &&
           flume_scope_create(&staging->scope) == FLUME_OK &&
           flume_scope_label(staging->scope, "test") == FLUME_OK;
}

static bool stage_all(struct staging *staging)
{
    flume_verdict verdict;

    for (int i = 0; i < contents(); i++) {
        fill(staging->data, (uint64_t)i + 1);
        if (flume_scope_set_int(staging->scope, "i", i) != FLUME_OK ||
            flume_scope_set_content(staging->scope, "x", "u64", staging->data, CONTENT_BYTES) !=
                FLUME_OK ||
            flume_commit(staging->recorder, staging->scope, &verdict) != FLUME_OK ||
            verdict.kind != FLUME_STAGED)
            return false;
    }
    return true;
}

static bool close_staging(struct staging *staging)
{
    flume_scope_destroy(staging->scope);
    free(staging->data);
    return flume_recorder_close(staging->recorder) == FLUME_OK &&
           flume_close(staging->flume) == FLUME_OK;
}

/* ---- the tests ---- */

static void staging_and_writing_take_little_memory(void **state)
{
    struct view_fixture *fx = *state;
    flume_log_stat_info stat;
    pid_t child;
    int how;

    fx->options.views = 0;
    open_views(fx);
    close_views(fx);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct staging staging;
        flume_error error;

        if (!open_staging(&staging, fx->base->path))
            leave(1);
        if (!limit_memory())
            leave(2);
        if (!stage_all(&staging))
            leave(3);
        if (flume_recorder_flush(staging.recorder) != FLUME_OK) {
            flume_last_error(staging.flume, &error);
            print_message("flush: %s\n", error.message);
            leave(4);
        }
        leave(close_staging(&staging) ? 0 : 5);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    open_views(fx);
    assert_int_equal(flume_log_stat(flume_log_of(fx->flume), &stat), FLUME_OK);
    assert_true(stat.head >= (uint64_t)(2 * contents())); /* Each scope and its blob. */
    close_views(fx);
}

static void a_process_that_is_killed_leaves_nothing_that_was_staged(void **state)
{
    struct view_fixture *fx = *state;
    char before[65536] = "", after[65536] = "";
    uint64_t bytes, head;
    int ready[2], how;
    pid_t child;
    char byte;

    fx->options.views = 0;
    open_views(fx);
    (void)append_to(fx->flume, "one");
    head = flume_log_head(flume_log_of(fx->flume));
    close_views(fx);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct staging staging;

        if (!open_staging(&staging, fx->base->path) || !stage_all(&staging))
            leave(1);
        leave_coverage();
        (void)write(ready[1], "x", 1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    list_names(fx->base->path, before, sizeof before);
    assert_null(strstr(before, "stage"));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    (void)close(ready[0]);
    list_names(fx->base->path, after, sizeof after);
    assert_string_equal(after, before);
    assert_null(strstr(after, "/grains"));
    bytes = bytes_below(fx->base->path);
    assert_true(bytes < (uint64_t)contents() * CONTENT_BYTES / 2); /* What is staged was more. */
    open_views(fx);
    assert_int_equal(flume_log_head(flume_log_of(fx->flume)), head);
    close_views(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(staging_and_writing_take_little_memory),
        views_test(a_process_that_is_killed_leaves_nothing_that_was_staged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
