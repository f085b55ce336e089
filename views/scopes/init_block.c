/*
 * init_block.c - blocks: what is computed from here on, and from which state of its source.
 */
#include "rules.h"
#include "text.h"

#include <string.h>

static bool is_of_unknown_source(const flume_recorder *recorder)
{
    return recorder->git_commit == NULL || recorder->git_commit[0] == '\0';
}

int block_check_policy(flume_recorder *recorder)
{
    unsigned flags = recorder->options.flags;

    if ((flags & FLUME_RECORDER_REFUSE_DIRTY) != 0 && is_of_unknown_source(recorder))
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "this recorder refuses what is of no commit, and has been told none: "
                          "flume_recorder_options.git_commit");
    if ((flags & FLUME_RECORDER_REFUSE_DIRTY) != 0 && recorder->options.git_dirty)
        return flume_fail(
            recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
            "this recorder refuses a dirty tree: commit to git what differs from %.40s",
            recorder->git_commit);
    if ((flags & FLUME_RECORDER_NEEDS_BLOCK) != 0 && recorder->block == BLOCK_NONE)
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "this recorder needs a block before anything is committed: "
                          "FLUME_INIT_BLOCK(recorder, label, version)");
    return FLUME_OK;
}

/* What makes no difference to which block it is. */
static void set_volatile(flume_scope *scope, const char *key, const flume_value *value)
{
    flume_variable variable = {.key = key, .class_ = FLUME_CLASS_VOLATILE, .value = *value};

    (void)flume_scope_set_variable(scope, &variable); /* The scope keeps the error. */
}

static flume_value text_of(const char *text)
{
    return (flume_value){.type = FLUME_VALUE_TEXT, .bytes = {text, strlen(text)}};
}

/* What cannot be set is the scope's error, for which the commit refuses it. */
static void describe(const flume_recorder *recorder, flume_scope *scope, const char *label,
                     const char *version, const char *file, int line)
{
    flume_value path = text_of(file);

    if (path.bytes.bytes > FLUME_SCOPE_VALUE_BYTES_MAX || !text_is_utf8(file, path.bytes.bytes))
        path = text_of(""); /* A path that cannot be told is no reason to record nothing. */
    (void)flume_scope_label(scope, label);
    (void)flume_scope_label(scope, "init_block");
    (void)flume_scope_set_text(scope, "block_version", version);
    set_volatile(scope, "file", &path);
    set_volatile(scope, "line", &(flume_value){.type = FLUME_VALUE_INT, .integer = line});
    if (is_of_unknown_source(recorder))
        return;
    path = text_of(recorder->git_commit);
    set_volatile(scope, "git_commit", &path);
    set_volatile(scope, "git_dirty",
                 &(flume_value){.type = FLUME_VALUE_BOOL, .boolean = recorder->options.git_dirty});
}

int flume_init_block(flume_recorder *recorder, const char *label, const char *version,
                     const char *file, int line, flume_verdict *out_verdict)
{
    enum block_state before;
    flume_scope *scope;
    int status;

    if (recorder == NULL || label == NULL || version == NULL || file == NULL)
        return FLUME_ERR_INVALID;
    status = rules_check_idle(recorder);
    if (status != FLUME_OK)
        return status;
    if (flume_scope_create(&scope) != FLUME_OK)
        return flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory for a block");
    describe(recorder, scope, label, version, file, line);
    before = recorder->block;
    recorder->block = BLOCK_BEING_TOLD;
    status = flume_commit(recorder, scope, out_verdict);
    recorder->block = status == FLUME_OK ? BLOCK_TOLD : before;
    flume_scope_destroy(scope);
    return status;
}
