/*
 * basin.c - the basin that a shell has open (shell.h).
 *
 * What always holds: subscriptions borrow the handle, so they end before it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ask.h"
#include "session.h"
#include "shell.h"
#include "subscriptions.h"
#include "utf8.h"

/* All zero if nothing is there. */
static struct identity look_up(const char *path)
{
    struct identity identity = {.inode = 0};
    struct statx found;

    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &found) != 0)
        return identity;
    identity.device = makedev(found.stx_dev_major, found.stx_dev_minor);
    identity.inode = (ino_t)found.stx_ino;
    if ((found.stx_mask & STATX_BTIME) != 0) {
        identity.born_s = found.stx_btime.tv_sec;
        identity.born_ns = found.stx_btime.tv_nsec;
    }
    return identity;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->born_s == b->born_s &&
           a->born_ns == b->born_ns;
}

/* Recovery and its like are said as by any command. */
static void on_message(void *log_ctx, enum flume_log_level level, const char *message)
{
    struct shell *shell = log_ctx;
    struct session session;

    session_init(&session, shell->invocation, shell);
    session_on_library_message(&session, level, message);
    session_deinit(&session);
}

static int open_handle(struct shell *shell, struct session *session)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_READ_ONLY},
                             .views = FLUME_VIEWS_NO_WORKERS};
    flume_error error = {.seq = FLUME_SEQ_NONE};
    struct identity identity;
    int status, code = shell_load(shell);

    if (code != CODE_OK)
        return code;
    options.definitions = shell->loaded.definitions;
    options.definition_count = shell->loaded.definition_count;
    session_fill_options(session, &options.log);
    options.log.log = on_message;
    options.log.log_ctx = shell;
    identity =
        look_up(shell->db); /* Before: if it is replaced meanwhile, the next look shows it. */
    status = flume_open(&shell->flume, shell->db, &options, &error);
    if (status != FLUME_OK)
        return report_status(session, status, &error);
    shell->identity = identity;
    return CODE_OK;
}

int shell_open(struct shell *shell, struct session *session, flume **out_flume)
{
    int code = CODE_OK;

    if (shell->db == NULL)
        return session_report_no_db(session);
    if (shell->flume != NULL) {
        struct identity now = look_up(shell->db);

        if (!is_same(&now, &shell->identity)) {
            if (now.inode != 0)
                note(session, "%s is another basin now", shell->db);
            shell->has_last = false;
            shell_close(shell);
        }
    }
    if (shell->flume == NULL)
        code = open_handle(shell, session);
    if (code == CODE_OK)
        *out_flume = shell->flume;
    return code;
}

void shell_close(struct shell *shell)
{
    subscriptions_destroy(shell->subscriptions);
    shell->subscriptions = NULL;
    (void)flume_close(shell->flume); /* Nothing was written. */
    shell->flume = NULL;
}

int shell_load(struct shell *shell)
{
    struct session session;
    int code;

    if (shell->has_loaded)
        return CODE_OK;
    session_init(&session, shell->invocation, NULL); /* --load is the program's own option. */
    code = loaded_open(&shell->loaded, &session);
    session_deinit(&session);
    shell->has_loaded = code == CODE_OK;
    if (code != CODE_OK)
        loaded_close(&shell->loaded);
    return code;
}

/* ---- .open, and the basin that the program was started with ---- */

static int create(struct session *session, const char *path)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    flume_error error = {.seq = FLUME_SEQ_NONE};
    flume_log *log = NULL;
    int status;

    session_fill_options(session, &options);
    status = flume_log_open(&log, path, &options, &error);
    if (status == FLUME_OK)
        status = flume_log_close(log);
    return status == FLUME_OK ? CODE_OK : report_status(session, status, &error);
}

/* A wrong path never makes a basin by itself. */
static int create_if_wanted(struct shell *shell, struct session *session, const char *path)
{
    struct text question = {0};
    struct stat found;
    bool wanted;

    if (stat(path, &found) == 0 || errno != ENOENT || *path == '\0' ||
        strcmp(path, ":memory:") == 0)
        return CODE_OK; /* Opening it says what it is. */
    if (!shell->interactive)
        return report(session, ERROR_NO_BASIN_THERE, path);
    utf8_show(&question, path, strlen(path), 0);
    text_string(&question, " does not exist. Create it? [Y/n] ");
    wanted = ask_yes(&shell->stop, text_c_string(&question));
    text_deinit(&question);
    return wanted ? create(session, path) : CODE_NO_BASIN;
}

int shell_use(struct shell *shell, struct session *session, const char *path)
{
    char *before = shell->db, *copy = strdup(path);
    flume *old = shell->flume, *opened;
    struct subscriptions *subscriptions = shell->subscriptions;
    struct identity identity = shell->identity;
    int code;

    if (copy == NULL)
        return report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    code = create_if_wanted(shell, session, path);
    shell->flume = NULL;
    shell->subscriptions = NULL;
    shell->db = copy;
    if (code == CODE_OK)
        code = shell_open(shell, session, &opened);
    if (code != CODE_OK) { /* What was open stays open. */
        shell->db = before;
        shell->flume = old;
        shell->subscriptions = subscriptions;
        shell->identity = identity;
        free(copy);
        return code;
    }
    subscriptions_destroy(subscriptions);
    (void)flume_close(old); /* Nothing was written. */
    free(before);
    shell->has_last = false;
    return CODE_OK;
}
