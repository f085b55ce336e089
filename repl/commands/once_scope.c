/*
 * once_scope.c - what one `flume run` is the same as another by (once.h).
 *
 * To what --scope and --label give, run adds: argv/0, argv/1 ... the words of the command; in/FILE
 * the hash of each --in FILE; stdin that of --in -; out/FILE, true, for each --out FILE; env/NAME
 * for each --env NAME, null where it is not set; cwd with --cwd.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "once.h"
#include "utf8.h"

enum { READ_BYTES = 1 << 20 };

static struct reference_place place_of(const struct option_use *use)
{
    return (struct reference_place){use->token, use->text_at, 0};
}

static int refuse(struct once *once, const struct option_use *use)
{
    struct reference_place nowhere = {0};
    flume_error error;

    flume_scope_error(once->scope, &error);
    if (error.status == FLUME_ERR_NO_MEMORY)
        return report(once->session, ERROR_NO_MEMORY);
    return report_at(once->session, use == NULL ? nowhere : place_of(use), ERROR_RUN_VARIABLE,
                     error.message);
}

/* ---- what a user may not set ---- */

static int check_keys(struct once *once)
{
    static const char *const own[] = {"argv", "in", "out", "env", "cwd", "stdin"};
    flume_variable variable;

    for (size_t i = 0; flume_scope_at(once->scope, i, &variable); i++) {
        size_t bytes = strcspn(variable.key, "/");

        for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
            if (strlen(own[k]) == bytes && memcmp(own[k], variable.key, bytes) == 0)
                return report(once->session, ERROR_RUN_KEY, variable.key);
    }
    return CODE_OK;
}

/* ---- words ---- */

/* A word of the command line or of the environment: a text, bytes where it is no UTF-8, a content
 * where it is long. NULL: null. Borrowed until the commit. */
static int set_word(struct once *once, const char *key, const char *word)
{
    size_t bytes = word == NULL ? 0 : strlen(word);
    flume_value value = {.type = FLUME_VALUE_NULL};

    if (bytes > FLUME_SCOPE_VALUE_BYTES_MAX)
        return flume_scope_set_content(once->scope, key, "", word, bytes);
    if (word != NULL) {
        value.type = utf8_valid(word, bytes) ? FLUME_VALUE_TEXT : FLUME_VALUE_BYTES;
        value.bytes = (flume_bytes){.data = word, .bytes = bytes};
    }
    return flume_scope_set(once->scope, key, &value);
}

static int add_argv(struct once *once)
{
    const struct invocation *invocation = once->session->invocation;
    char key[32];

    once->argv = calloc(invocation->operand_count + 1, sizeof(once->argv[0]));
    if (once->argv == NULL)
        return report(once->session, ERROR_NO_MEMORY);
    for (size_t i = 0; i < invocation->operand_count; i++) {
        /* execvp() takes them without const, and changes none. */
        once->argv[i] = (char *)(uintptr_t)invocation->operands[i].text;
        snprintf(key, sizeof(key), "argv/%zu", i);
        if (set_word(once, key, once->argv[i]) != FLUME_OK)
            return refuse(once, NULL);
    }
    return CODE_OK;
}

/* FOLDER/NAME, of what an option names. The caller frees it; NULL: reported. */
static char *make_key(struct once *once, const char *folder, const struct option_use *use,
                      int *out_code)
{
    size_t bytes = strlen(folder) + 1 + strlen(use->text) + 1;
    char *key = malloc(bytes);

    *out_code = CODE_OK;
    if (key == NULL)
        *out_code = report(once->session, ERROR_NO_MEMORY);
    else
        snprintf(key, bytes, "%s/%s", folder, use->text);
    return key;
}

static int add_environment(struct once *once, const struct option_use *use)
{
    int code = CODE_OK;
    char *key;

    if (*use->text == '\0' || strchr(use->text, '=') != NULL)
        return report_at(once->session, place_of(use), ERROR_RUN_ENV);
    key = make_key(once, "env", use, &code);
    if (code == CODE_OK && set_word(once, key, getenv(use->text)) != FLUME_OK)
        code = refuse(once, use);
    free(key);
    return code;
}

static int add_directory(struct once *once)
{
    char path[PATH_MAX];

    if (getcwd(path, sizeof(path)) == NULL)
        return report(once->session, ERROR_FILE_UNREADABLE, ".", strerror(errno));
    return set_word(once, "cwd", path) == FLUME_OK ? CODE_OK : refuse(once, NULL);
}

/* ---- contents ---- */

static int set_hash(struct once *once, const char *key, const struct option_use *use,
                    const uint8_t hash[FLUME_HASH_BYTES], uint64_t bytes)
{
    flume_value value = {.type = FLUME_VALUE_HASH};

    memcpy(value.content.hash, hash, FLUME_HASH_BYTES);
    value.content.bytes = bytes;
    return flume_scope_set(once->scope, key, &value) == FLUME_OK ? CODE_OK : refuse(once, use);
}

/* Until there is something to read, or somebody asks to stop. 0 or -errno. */
static int await_input(struct session *session, int from)
{
    struct pollfd either[] = {{.fd = from, .events = POLLIN},
                              {.fd = session->stop->descriptor, .events = POLLIN}};

    while (session_stopped(session) == 0) {
        int ready = poll(either, 2, -1);

        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready > 0 && either[0].revents != 0)
            return 0;
    }
    return -ECANCELED;
}

/* Hash what a descriptor gives, and copy it to another one, unless that is -1. 0 or -errno. */
static int hash_stream(struct session *session, int from, int to,
                       uint8_t out_hash[FLUME_HASH_BYTES], uint64_t *out_bytes)
{
    flume_hasher *hasher = flume_hasher_create();
    char *piece = malloc(READ_BYTES);
    int status = hasher == NULL || piece == NULL ? -ENOMEM : 0;
    ssize_t bytes = 1;

    *out_bytes = 0;
    while (status == 0 && bytes > 0) {
        status = await_input(session, from);
        bytes = status == 0 ? read(from, piece, READ_BYTES) : 0;
        if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) {
            bytes = 1;
            continue;
        }
        if (bytes < 0)
            status = -errno;
        if (bytes > 0) {
            flume_hasher_add(hasher, piece, (size_t)bytes);
            *out_bytes += (uint64_t)bytes;
        }
        if (bytes > 0 && to != -1)
            status = once_write(to, piece, (size_t)bytes);
    }
    if (status == 0)
        flume_hasher_get(hasher, out_hash);
    flume_hasher_destroy(hasher);
    free(piece);
    return status;
}

static int report_input(struct once *once, const struct option_use *use, int error)
{
    if (error == ECANCELED)
        return cancel_say(once->session, NULL, "nothing was run");
    return report_at(once->session, place_of(use), ERROR_FILE_UNREADABLE, use->text,
                     strerror(error));
}

/* A file without a name. A descriptor or -errno. */
static int open_nameless(void)
{
    const char *directory = getenv("TMPDIR");
    char path[PATH_MAX];
    int file;

    if (directory == NULL || *directory == '\0')
        directory = "/tmp";
    file = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return file >= 0 ? file : -errno;
    snprintf(path, sizeof(path), "%s/flume-run-XXXXXX", directory);
    file = mkostemp(path, O_CLOEXEC);
    if (file < 0)
        return -errno;
    (void)unlink(path); /* Only a name is left behind if it cannot be. */
    return file;
}

/* --in -: all of it is read before the command runs. */
static int add_standard_input(struct once *once, const struct option_use *use)
{
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t bytes;
    int status;

    once->input_file = open_nameless();
    if (once->input_file < 0) {
        status = -once->input_file;
        once->input_file = -1;
        return report(once->session, ERROR_NO_SCRATCH, "TMPDIR or /tmp", strerror(status));
    }
    status = hash_stream(once->session, STDIN_FILENO, once->input_file, hash, &bytes);
    if (status == 0 && lseek(once->input_file, 0, SEEK_SET) != 0)
        status = -errno;
    return status == 0 ? set_hash(once, "stdin", use, hash, bytes)
                       : report_input(once, use, -status);
}

/* 0 or -errno: only a file whose content is there to be read twice can be one. */
static int hash_file(struct session *session, const char *path, struct stat *out_seen,
                     uint8_t out_hash[FLUME_HASH_BYTES], uint64_t *out_bytes)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status = 0;

    if (file < 0 || fstat(file, out_seen) != 0)
        status = -errno;
    else if (S_ISDIR(out_seen->st_mode))
        status = -EISDIR;
    else if (!S_ISREG(out_seen->st_mode))
        status = -ESPIPE;
    if (status == 0)
        status = hash_stream(session, file, -1, out_hash, out_bytes);
    if (file >= 0)
        (void)close(file); /* It was read only. */
    return status;
}

static int add_input(struct once *once, const struct option_use *use)
{
    struct once_input *input = &once->inputs[once->input_count];
    int code = CODE_OK, status;
    uint64_t bytes;
    char *key;

    if (strcmp(use->text, "-") == 0)
        return add_standard_input(once, use);
    *input = (struct once_input){.path = use->text};
    status = hash_file(once->session, input->path, &input->seen, input->hash, &bytes);
    if (status != 0)
        return report_input(once, use, -status);
    key = make_key(once, "in", use, &code);
    if (code == CODE_OK)
        code = set_hash(once, key, use, input->hash, bytes);
    if (code == CODE_OK)
        once->input_count++;
    free(key);
    return code;
}

static bool looks_the_same(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
           left->st_size == right->st_size && left->st_mtim.tv_sec == right->st_mtim.tv_sec &&
           left->st_mtim.tv_nsec == right->st_mtim.tv_nsec &&
           left->st_ctim.tv_sec == right->st_ctim.tv_sec &&
           left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

const char *once_scope_changed(struct once *once)
{
    for (size_t i = 0; i < once->input_count; i++) {
        const struct once_input *input = &once->inputs[i];
        uint8_t hash[FLUME_HASH_BYTES];
        struct stat seen;
        uint64_t bytes;

        if (stat(input->path, &seen) == 0 && looks_the_same(&seen, &input->seen))
            continue;
        if (hash_file(once->session, input->path, &seen, hash, &bytes) != 0 ||
            memcmp(hash, input->hash, sizeof(hash)) != 0)
            return input->path;
    }
    return NULL;
}

/* ---- declared outputs ---- */

static int add_output(struct once *once, const struct option_use *use)
{
    flume_value value = {.type = FLUME_VALUE_BOOL, .boolean = true};
    flume_variable before;
    int code = CODE_OK;
    char *key;

    if (*use->text == '\0' || use->text[strlen(use->text) - 1] == '/')
        return report_at(once->session, place_of(use), ERROR_RUN_OUTPUT_NAME);
    for (size_t i = 0; i < once->input_count; i++)
        if (strcmp(once->inputs[i].path, use->text) == 0)
            return report_at(once->session, place_of(use), ERROR_RUN_IN_AND_OUT);
    key = make_key(once, "out", use, &code);
    if (code == CODE_OK && flume_scope_get(once->scope, key, &before)) {
        free(key);
        return CODE_OK; /* It was named twice. */
    }
    if (code == CODE_OK && flume_scope_set(once->scope, key, &value) != FLUME_OK)
        code = refuse(once, use);
    if (code == CODE_OK)
        once->outputs[once->output_count++] = (struct once_output){.path = use->text};
    free(key);
    return code;
}

/* ---- all ---- */

static int add_each(struct once *once, enum option_id id,
                    int (*add)(struct once *once, const struct option_use *use))
{
    const struct invocation *invocation = once->session->invocation;
    int code = CODE_OK;

    for (size_t i = 0; code == CODE_OK && i < invocation->option_count; i++)
        if (invocation->options[i].id == id)
            code = add(once, &invocation->options[i]);
    return code;
}

/* --scope - and --in - would both read it. */
static int check_standard_input(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    size_t readers = 0;

    for (size_t i = 0; i < invocation->option_count; i++) {
        const struct option_use *use = &invocation->options[i];

        if ((use->id != OPTION_SCOPE && use->id != OPTION_IN) || strcmp(use->text, "-") != 0)
            continue;
        if (readers++ > 0)
            return report_at(session, place_of(use), ERROR_RUN_STANDARD_INPUT);
    }
    return CODE_OK;
}

int once_scope_make(struct once *once)
{
    struct session *session = once->session;
    size_t options = session->invocation->option_count + 1;
    int code = check_standard_input(session);

    once->inputs = calloc(options, sizeof(once->inputs[0]));
    once->outputs = calloc(options, sizeof(once->outputs[0]));
    if (code == CODE_OK && (once->inputs == NULL || once->outputs == NULL))
        code = report(session, ERROR_NO_MEMORY);
    if (code == CODE_OK)
        code = scope_words_read_options(session, OPTION_SCOPE, OPTION_LABEL, &once->scope);
    if (code == CODE_OK)
        code = check_keys(once);
    if (code == CODE_OK)
        code = add_argv(once);
    if (code == CODE_OK)
        code = add_each(once, OPTION_ENV, add_environment);
    if (code == CODE_OK && invocation_has(session->invocation, OPTION_CWD))
        code = add_directory(once);
    if (code == CODE_OK)
        code = add_each(once, OPTION_IN, add_input);
    if (code == CODE_OK)
        code = add_each(once, OPTION_OUT, add_output);
    return code;
}
