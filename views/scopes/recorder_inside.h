/*
 * recorder_inside.h - a recorder as its modules share it.
 *
 * What always holds:
 *   - links.pending stands for commits that were told DUP of links.target_seq and are not in the
 *     log yet. It is written before anything else that this recorder appends.
 *   - last_image is the identity of the scope at last_seq: what is the same is a duplicate of it
 *     for good, and nobody need be asked.
 */
#ifndef VIEWS_SCOPES_RECORDER_INSIDE_H
#define VIEWS_SCOPES_RECORDER_INSIDE_H

#include "batch.h"
#include "flume/recall.h"
#include "inside.h"
#include "overlay.h"
#include "scope_inside.h"
#include "scope_record.h"
#include "stage.h"
#include "succession.h"

/* A scope that encloses what is committed. */
struct enclosing {
    flume_scope *scope;
    uint64_t frame; /* Under which number what it encloses finds it. */
    bool is_committed;
    bool is_staged;                         /* Committed, but only into the stage. */
    uint8_t committed_id[FLUME_HASH_BYTES]; /* As it was committed last. */
};

/* Whether this recorder has told of a block. */
enum block_state { BLOCK_NONE, BLOCK_BEING_TOLD, BLOCK_TOLD };

/* Commits of one scope, to be counted in one record. */
struct pending_links {
    bool pending;
    uint64_t target_seq, count;
    uint64_t frame, enclosing_frame;
    uint64_t first_time_ns, last_time_ns;
    uint8_t tare_id[FLUME_HASH_BYTES]; /* 0: none. */
    /* As of the last commit; count and times are set when it is written. */
    struct scope_buffer body;
    struct scope_buffer labels; /* Texts, each with its NUL. */
    size_t label_count;
};

struct flume_recorder {
    flume *handle;
    flume_recorder_options options;
    char *git_commit; /* What options.git_commit points to. */
    enum block_state block;
    struct overlay *overlay;      /* NULL in fast mode. */
    flume_scope *neutral;         /* Keys that make no difference; NULL: none. */
    struct recorder_rules *rules; /* NULL: none. */

    struct enclosing stack[FLUME_SCOPE_STACK_MAX];
    size_t stack_depth;
    flume_scope *effective; /* What is committed, with what it inherits. */
    uint64_t next_frame;

    struct scope_batch batch;
    struct stage stage;
    struct pending_links links;
    struct scope_buffer last_image;
    uint64_t last_seq; /* FLUME_SEQ_NONE: last_image is of nothing. */
    uint8_t last_id[FLUME_HASH_BYTES];
    struct succession committed, asked; /* Duplicates; each with an order of its own. */

    flume_recall_counts recalls;
    flume_recall_counts recalls_told; /* Of them, what is in the log. */

    struct scope_buffer body; /* Of the record in the making. */
    const char **keys;        /* Of a verdict; texts behind one another in key_texts. */
    size_t keys_capacity;
    struct scope_buffer key_texts;
};

/* What the rules are asked for. */
enum rules_purpose { RULES_FOR_QUESTION, RULES_FOR_COMMIT };

/* ---- delta.c ---- */

/** Where the recorder stores deltas and this scope, a superset of the one at seq, can be one: make
 * it one.
 * @param related  The one at seq, of recorder->overlay; nothing more may be asked of it then.
 * @return FLUME_OK, or as overlay_read(). */
int delta_plan(flume_recorder *recorder, flume_scope *scope, uint64_t seq,
               const struct scope_record *related, struct scope_stamp *io_stamp);

/* ---- enclosing.c ---- */

/** What is committed when this scope is: itself, or with what it inherits. Valid until the next
 * call.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY, or why an enclosing one cannot be inherited from. */
int enclosing_apply(flume_recorder *recorder, flume_scope *scope, flume_scope **out_effective);
/** What a commit makes of a scope: with what it inherits, by the rules, and with the id of what
 * encloses it where the recorder chains. Valid until the next call. @return FLUME_OK, or why not,
 * told. */
int enclosing_as_recorded(flume_recorder *recorder, enum rules_purpose purpose, flume_scope *scope,
                          flume_scope **out_effective);
/** How many of the stack enclose a scope: all, or those below itself. */
size_t enclosing_depth(const flume_recorder *recorder, const flume_scope *scope);
/** Frames of a scope that is committed now: its own (0: it encloses nothing) and that around it. */
int enclosing_frames(flume_recorder *recorder, flume_scope *scope, uint64_t *out_frame,
                     uint64_t *out_around);
/** The scope was committed as it is, or staged so. */
void enclosing_committed(flume_recorder *recorder, const flume_scope *scope, bool is_staged);
/** What is staged was written; or was discarded: who stands there alone was not committed. */
void enclosing_written(flume_recorder *recorder);
void enclosing_discarded(flume_recorder *recorder);

/* ---- init_block.c ---- */

/** Whether the policy of the recorder lets anything be committed now. @return FLUME_OK,
 * FLUME_ERR_INVALID. */
int block_check_policy(flume_recorder *recorder);

/* ---- rules.c ---- */

/** What is committed by the rules of the recorder: the same scope, or a copy that is valid until
 * the next call. @return FLUME_OK, or why not, told. */
int rules_apply(flume_recorder *recorder, enum rules_purpose purpose, flume_scope **io_effective);
/** @return FLUME_OK; FLUME_ERR_INVALID: a hook is running. */
int rules_check_idle(flume_recorder *recorder);
/** NULL is harmless. */
void rules_destroy(struct recorder_rules *rules);

/* ---- schema.c ---- */

/** The body of a record that tells of settings and defaults, if one is due. *out_body: NULL: none
 * is; freed with free(). @return FLUME_OK, an error, told. */
int schema_to_record(flume_recorder *recorder, char **out_body);
/** What the rules are now is in the log. */
void schema_recorded(flume_recorder *recorder);
/** Whether one of the newest records of kind schema, the last one and so many right before it, has
 * this body. @return FLUME_OK, or as flume_log_last(). */
int schema_is_there(flume_log *log, const char *body, unsigned before, bool *out_is);

/* ---- tare_set.c ---- */

/** The id of the tares in force, 0 if there are none; what they are can be told from now on.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY, told. */
int tare_set_use(flume_recorder *recorder, uint8_t out_id[FLUME_HASH_BYTES]);
/** The body of a record that tells what tares are, if one is due before a scope that has their id.
 * *out_body: NULL: none is. Valid until they are told or forgotten. @return FLUME_OK, an error,
 * told. */
int tare_set_to_record(flume_recorder *recorder, const uint8_t id[FLUME_HASH_BYTES],
                       const char **out_body);
/** It is in the log. */
void tare_set_recorded(flume_recorder *recorder, const uint8_t id[FLUME_HASH_BYTES]);
/** No staged scope needs to be told of any more. */
void tare_sets_forget(flume_recorder *recorder);

/* ---- links.c ---- */

/** Count commits of the scope at target_seq: stamp->count of them; 0: one, now. What waited for
 * another one is written first. */
int links_add(flume_recorder *recorder, flume_scope *effective, const struct scope_stamp *stamp);
/** Write what waits. @return FLUME_OK or as flume_log_append(): then it goes on waiting. */
int links_flush(flume_recorder *recorder);
void links_deinit(struct pending_links *links);

/* ---- recall_counts.c ---- */

/** Add to the counts of the basin what this recorder has been told since it did so last. Not in the
 * lane.
 * @return FLUME_OK, or as flume_remember(). */
int recall_counts_flush(flume_recorder *recorder);

/* ---- recorder.c ---- */

/** Append a record of kind scope or link, and before it what has to be told of first.
 * @param time_ns    Of the record; 0: now.
 * @param tare_id    As the body has it.
 * @param condition  NULL: none. */
int recorder_append(flume_recorder *recorder, uint8_t kind, uint64_t time_ns,
                    const struct scope_buffer *body, const char *const *labels, size_t label_count,
                    const uint8_t tare_id[FLUME_HASH_BYTES], const flume_condition *condition,
                    uint64_t *out_seq);
/** Append bytes. @return false: no memory; nothing changed. */
bool scope_buffer_add(struct scope_buffer *buffer, const void *data, size_t bytes);

#endif
