/*
 * history.c - the lines that a person has typed (history.h).
 */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum { LINES_BEFORE_COMPACTION = 2 * HISTORY_ENTRIES_MAX, LOCK_TRIES_MAX = 10 };
enum { LOCK_PAUSES_MAX = 20, LOCK_PAUSE_NS = 5000000 };

struct history {
    char *path; /* NULL: nothing is kept. */
    char **entries;
    size_t count, capacity;
};

/* ---- where it is ---- */

static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path,
                    0700); /* What is there stays; what is not to be made shows at the open. */
        *slash = '/';
    }
}

static char *find_path(void)
{
    const char *asked = getenv("FLUME_HISTORY"), *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    int made = -1;

    if (asked != NULL)
        return *asked == '\0' ? NULL : strdup(asked);
    if (state != NULL && *state == '/')
        made = asprintf(&path, "%s/flume/history", state);
    else if (home != NULL && *home == '/')
        made = asprintf(&path, "%s/.local/state/flume/history", home);
    if (made < 0)
        return NULL;
    make_directories(path);
    return path;
}

/* ---- the file ---- */

/* Whether the file that was opened is still the one that has the name: a compaction replaces it. */
static bool has_name(const char *path, int descriptor)
{
    struct stat named, opened;

    return stat(path, &named) == 0 && fstat(descriptor, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* Whoever holds the lock for longer has been stopped with it, which is no reason not to begin. */
static bool lock(int descriptor)
{
    static const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

    for (int tries = 0; tries < LOCK_PAUSES_MAX; tries++) {
        if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        (void)nanosleep(&pause, NULL); /* Shorter, after a signal: no harm. */
    }
    return false;
}

/* Open, and if possible locked, for nobody but its owner. -1: it cannot be, or is no ordinary
 * file. */
static int open_locked(const char *path, bool *out_locked)
{
    for (int tries = 0; tries < LOCK_TRIES_MAX; tries++) {
        int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        int descriptor = open(path, flags, 0600);
        struct stat found;

        if (descriptor == -1)
            return -1;
        if (fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode) ||
            ((found.st_mode & 077) != 0 && fchmod(descriptor, 0600) != 0)) {
            (void)close(descriptor);
            return -1;
        }
        *out_locked = lock(descriptor);
        if (!*out_locked || has_name(path, descriptor))
            return descriptor;
        (void)close(descriptor);
    }
    return -1;
}

static void add_escaped(struct text *text, const char *line)
{
    for (; *line != '\0'; line++) {
        if (*line == '\n')
            text_string(text, "\\n");
        else if (*line == '\\')
            text_string(text, "\\\\");
        else
            text_char(text, *line);
    }
    text_char(text, '\n');
}

/* In place. */
static void unescape(char *line)
{
    char *target = line;

    for (; *line != '\0'; line++) {
        if (*line == '\\' && line[1] != '\0') {
            line++;
            *target++ = *line == 'n' ? '\n' : *line;
        } else {
            *target++ = *line;
        }
    }
    *target = '\0';
}

static bool write_all(int descriptor, const struct text *text)
{
    size_t done = 0;

    while (done < text->bytes && !text->failed) {
        ssize_t written = write(descriptor, text->data + done, text->bytes - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        done += (size_t)written;
    }
    return !text->failed;
}

/* A kindness. On a full disk no half entry stays, to which the next one would be joined. */
static void write_whole(int descriptor, const struct text *text, bool is_locked)
{
    struct stat before;

    if (fstat(descriptor, &before) == 0 && !write_all(descriptor, text) && is_locked)
        (void)!ftruncate(descriptor, before.st_size); /* Then half an entry stays. */
}

/* ---- in memory ---- */

static void forget(struct history *history, size_t index)
{
    free(history->entries[index]);
    memmove(history->entries + index, history->entries + index + 1,
            (history->count - index - 1) * sizeof(history->entries[0]));
    history->count--;
}

static void add_newest(struct history *history, const char *line)
{
    char *copy = strdup(line);

    if (copy == NULL)
        return;
    if (history->count == history->capacity) {
        size_t capacity = history->capacity == 0 ? 64 : history->capacity * 2;
        char **grown = realloc(history->entries, capacity * sizeof(grown[0]));

        if (grown == NULL) {
            free(copy);
            return;
        }
        history->entries = grown;
        history->capacity = capacity;
    }
    history->entries[history->count++] = copy;
}

static void forget_equal(struct history *history, const char *line)
{
    for (size_t i = history->count; i-- > 0;)
        if (strcmp(history->entries[i], line) == 0)
            forget(history, i);
}

static int by_text(const void *a, const void *b)
{
    char **const *left = a, **const *right = b;

    return strcmp(**left, **right);
}

/* Of equal ones the newest stays; of all, the newest HISTORY_ENTRIES_MAX. */
static void tidy(struct history *history)
{
    char ***sorted = malloc((history->count + 1) * sizeof(sorted[0]));
    size_t kept = 0, first;

    for (size_t i = 0; sorted != NULL && i < history->count; i++)
        sorted[i] = &history->entries[i];
    if (sorted != NULL)
        qsort(sorted, history->count, sizeof(sorted[0]), by_text);
    for (size_t i = 0; sorted != NULL && i + 1 < history->count; i++) {
        char **older = sorted[i], **newer = sorted[i + 1];

        if (*older != NULL && strcmp(*older, *newer) == 0) {
            if (older > newer) { /* Sorting does not keep the order of equal ones. */
                sorted[i + 1] = older;
                older = newer;
            }
            free(*older);
            *older = NULL;
        }
    }
    free(sorted);
    for (size_t i = 0; i < history->count; i++)
        if (history->entries[i] != NULL)
            history->entries[kept++] = history->entries[i];
    history->count = kept;
    first = kept > HISTORY_ENTRIES_MAX ? kept - HISTORY_ENTRIES_MAX : 0;
    for (size_t i = 0; i < first; i++)
        free(history->entries[i]);
    if (first > 0) /* Without entries there is nothing to point into. */
        memmove(history->entries, history->entries + first,
                (kept - first) * sizeof(history->entries[0]));
    history->count = kept - first;
}

/* A file with what is kept takes the place of the one that is locked. */
static void compact(struct history *history)
{
    struct text all = {0}, path = {0};
    int descriptor;

    for (size_t i = 0; i < history->count; i++)
        add_escaped(&all, history->entries[i]);
    text_format(&path, "%s.%ld.tmp", history->path, (long)getpid());
    descriptor = open(text_c_string(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor != -1) {
        bool good = write_all(descriptor, &all) && fsync(descriptor) == 0;

        (void)close(descriptor); /* It was synced, or is taken away. */
        if (!good || rename(text_c_string(&path), history->path) != 0)
            (void)unlink(text_c_string(&path));
    }
    text_deinit(&all);
    text_deinit(&path);
}

static void load(struct history *history)
{
    bool is_locked = false;
    int descriptor = open_locked(history->path, &is_locked), copy;
    size_t capacity = 0, lines = 0;
    char *line = NULL;
    FILE *stream;
    ssize_t bytes;

    if (descriptor == -1)
        return;
    copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    stream = copy == -1 ? NULL : fdopen(copy, "r");
    while (stream != NULL && (bytes = getline(&line, &capacity, stream)) > 0) {
        lines++;
        if (line[bytes - 1] == '\n')
            line[bytes - 1] = '\0';
        if (*line == '\0' || bytes > 2 * HISTORY_ENTRY_BYTES_MAX)
            continue;
        unescape(line);
        add_newest(history, line);
        if (history->count >= LINES_BEFORE_COMPACTION)
            tidy(history);
    }
    free(line);
    if (stream != NULL)
        (void)fclose(stream); /* Nothing was written. */
    tidy(history);
    if (lines > LINES_BEFORE_COMPACTION && is_locked)
        compact(history);
    (void)close(descriptor); /* Unlocks. */
}

/* ---- what the editor calls ---- */

struct history *history_open(void)
{
    struct history *history = calloc(1, sizeof(*history));

    if (history == NULL)
        return NULL;
    history->path = find_path();
    if (history->path != NULL)
        load(history);
    return history;
}

void history_close(struct history *history)
{
    if (history == NULL)
        return;
    for (size_t i = 0; i < history->count; i++)
        free(history->entries[i]);
    free(history->entries);
    free(history->path);
    free(history);
}

size_t history_count(const struct history *history)
{
    return history->count;
}

const char *history_entry(const struct history *history, size_t index)
{
    return history->entries[index];
}

void history_add(struct history *history, const char *line, size_t bytes)
{
    struct text escaped = {0};
    bool is_locked = false;
    int descriptor;

    if (history->path == NULL || bytes == 0 || bytes > HISTORY_ENTRY_BYTES_MAX || *line == ' ' ||
        *line == '\t' || memchr(line, '\0', bytes) != NULL ||
        (history->count > 0 && strcmp(history->entries[history->count - 1], line) == 0))
        return;
    forget_equal(history, line);
    if (history->count == HISTORY_ENTRIES_MAX)
        forget(history, 0);
    add_newest(history, line);
    descriptor = open_locked(history->path, &is_locked);
    if (descriptor == -1)
        return;
    add_escaped(&escaped, line);
    write_whole(descriptor, &escaped, is_locked);
    text_deinit(&escaped);
    (void)close(descriptor); /* Unlocks. */
}
