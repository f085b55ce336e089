/*
 * commit.c - the verdict on a scope, and what is appended for it.
 *
 * What always holds:
 *   - Between the last look at what there is and the append nobody else appends a scope: who gives
 *     verdicts is alone in the lane, and who does not (fast mode) makes the conditional append
 *     fail, upon which is looked again.
 *   - Contents are stored before the scope that refers to them, and outside of the lane.
 */
#include "commit.h"

#include <string.h>

#include "flume/blob.h"
#include "flume/lane.h"

enum { TRIES_MAX = 1000 };

int commit_refuse(flume_recorder *recorder, const flume_scope *scope, int status)
{
    const flume_error *why = scope->error.status != FLUME_OK ? &scope->error : &scope->refusal;

    return flume_fail(recorder->handle, status, FLUME_SEQ_NONE, "%s",
                      why->status != FLUME_OK ? why->message : flume_strerror(status));
}

static void init(struct commit *commit, flume_recorder *recorder, flume_scope *scope)
{
    *commit =
        (struct commit){.recorder = recorder, .scope = scope, .succession = &recorder->committed};
    commit->verdict.seq = FLUME_SEQ_NONE;
    commit->verdict.extends_seq = FLUME_SEQ_NONE;
    commit->verdict.record_seq = FLUME_SEQ_NONE;
    commit->verdict.pending_seq = FLUME_SEQ_NONE;
    commit->stamp.extends_seq = FLUME_SEQ_NONE;
    commit->stamp.target_seq = FLUME_SEQ_NONE;
}

int commit_begin(struct commit *commit, flume_recorder *recorder, flume_scope *scope,
                 enum rules_purpose purpose)
{
    int status = rules_check_idle(recorder);

    if (status == FLUME_OK)
        status = stage_check_idle(recorder);
    if (status == FLUME_OK && purpose == RULES_FOR_COMMIT)
        status = block_check_policy(recorder);
    init(commit, recorder, scope);
    if (status != FLUME_OK)
        return status;
    if (purpose == RULES_FOR_COMMIT &&
        (recorder->options.flags & FLUME_RECORDER_NO_OWN_LABEL) == 0 &&
        flume_scope_label_count(scope) == 0 && scope->error.status == FLUME_OK)
        return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a scope is committed with a label of its own, which says what it is: "
                          "flume_scope_label()");
    status = enclosing_as_recorded(recorder, purpose, scope, &commit->effective);
    if (status == FLUME_OK && purpose == RULES_FOR_COMMIT)
        status = tare_set_use(recorder, commit->stamp.tare_id);
    if (status != FLUME_OK)
        return status;
    status = scope_pairs_of(commit->effective, &commit->pairs);
    return status == FLUME_OK ? FLUME_OK : commit_refuse(recorder, commit->effective, status);
}

/* ---- what there is already ---- */

static bool is_as_before(const struct commit *commit)
{
    const struct scope_buffer *last = &commit->recorder->last_image;

    return commit->recorder->last_seq != FLUME_SEQ_NONE &&
           commit->effective->image_bytes == last->bytes &&
           memcmp(commit->effective->image, last->data, last->bytes) == 0;
}

/* Without memory for it the next commit asks again: that is all. */
static void remember(struct commit *commit, uint64_t seq)
{
    flume_recorder *recorder = commit->recorder;

    recorder->last_image.bytes = 0;
    recorder->last_seq = FLUME_SEQ_NONE;
    if (flume_scope_id(commit->effective, recorder->last_id) != FLUME_OK)
        return;
    recorder->last_seq = scope_buffer_add(&recorder->last_image, commit->effective->image,
                                          commit->effective->image_bytes)
                             ? seq
                             : FLUME_SEQ_NONE;
}

int commit_ask(struct commit *commit, uint64_t *out_last)
{
    flume_recorder *recorder = commit->recorder;
    int status = flume_log_last(recorder->handle->log, FLUME_KIND_SCOPE, out_last);

    if (status != FLUME_OK)
        return flume_fail_log(recorder->handle, status);
    status = overlay_bring(recorder->overlay, *out_last == FLUME_SEQ_NONE ? 0 : *out_last + 1,
                           &recorder->options.ask);
    if (status == FLUME_OK)
        status = overlay_ask(recorder->overlay, commit->pairs, &commit->answer);
    if (status == FLUME_OK && commit->answer.dup_seq != FLUME_SEQ_NONE)
        succession_note(commit->succession, commit->answer.dup_seq);
    return status;
}

bool commit_find_next(struct commit *commit, uint64_t *out_seq)
{
    flume_scope *scope = commit->effective;
    uint8_t id[FLUME_HASH_BYTES];

    if (!succession_find(commit->succession, commit->recorder->handle->log, commit->pairs, out_seq,
                         id))
        return false;
    memcpy(scope->id, id, FLUME_HASH_BYTES);
    scope->id_known = true;
    return true;
}

/* ---- contents ---- */

static int store_content(flume_recorder *recorder, const flume_variable *variable)
{
    flume *handle = recorder->handle;
    flume_ask now = {0};
    uint64_t seq;
    int status = flume_blob_find(handle, &now, variable->value.content.hash, &seq);

    if (status != FLUME_ERR_NOT_FOUND)
        return status;
    status = flume_blob_put(handle, variable->content, variable->content_bytes, NULL, NULL);
    if (status == FLUME_OK)
        batch_count_blob(recorder, variable->content_bytes);
    return status;
}

static int store_contents(struct commit *commit)
{
    flume_variable variable;
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && flume_scope_at(commit->effective, i, &variable); i++)
        if (variable.class_ == FLUME_CLASS_BLOB && variable.content != NULL)
            status = store_content(commit->recorder, &variable);
    return status;
}

static bool has_contents(const struct commit *commit)
{
    return commit->effective->class_count[FLUME_CLASS_BLOB] > 0;
}

/* ---- naming keys ---- */

static int compare_pairs(const struct scope_pair *one, const struct scope_pair *other)
{
    return scope_key_compare(one->key, one->key_bytes, other->key, other->key_bytes);
}

/* The keys of `larger` that `smaller`, which lies within it, does not have. */
static int name_keys(struct commit *commit, const struct scope_pairs *larger,
                     const struct scope_pairs *smaller)
{
    flume_recorder *recorder = commit->recorder;
    struct scope_buffer *texts = &recorder->key_texts;
    size_t count = larger->count - smaller->count, at = 0, found = 0;
    const char *text;

    texts->bytes = 0;
    if (!scope_reserve((void **)&recorder->keys, &recorder->keys_capacity, count,
                       sizeof *recorder->keys))
        return FLUME_ERR_NO_MEMORY;
    for (size_t i = 0; i < larger->count; i++) {
        if (at < smaller->count && compare_pairs(&larger->pairs[i], &smaller->pairs[at]) == 0) {
            at++;
            continue;
        }
        if (found++ == count)
            return FLUME_ERR_DAMAGED; /* It does not lie within it. */
        if (!scope_buffer_add(texts, larger->pairs[i].key, larger->pairs[i].key_bytes) ||
            !scope_buffer_add(texts, "", 1))
            return FLUME_ERR_NO_MEMORY;
    }
    text = (const char *)texts->data;
    for (size_t i = 0; i < count; i++, text += strlen(text) + 1)
        recorder->keys[i] = text;
    commit->verdict.keys = recorder->keys;
    commit->verdict.key_count = count;
    return FLUME_OK;
}

/* ---- appending ---- */

static int fail_damaged(struct commit *commit, int status, uint64_t seq)
{
    return flume_fail(commit->recorder->handle, status, seq,
                      "the scope at %llu, to which this one is related, cannot be read: %s",
                      (unsigned long long)seq, flume_strerror(status));
}

/* Whether what it shares with the target is stored otherwise there: inherited, or as a blob. A
 * shadowed record says nothing of that. */
static bool has_other_attributes(const struct commit *commit, const struct scope_record *target)
{
    const flume_scope *scope = commit->effective;
    uint32_t index = 0;

    for (size_t i = 0; i < target->variables.count && index < scope->count; i++) {
        const struct scope_pair *pair = &target->variables.pairs[i];
        const struct scope_slot *slot = scope_slot_at(scope, index);
        int order = -1;

        while (order < 0) { /* Both are in order. */
            slot = scope_slot_at(scope, index);
            order = scope_key_compare(slot->key, slot->key_bytes, pair->key, pair->key_bytes);
            if (order < 0 && ++index == scope->count)
                return false;
        }
        if (order > 0)
            continue;
        if (slot->class_ != (uint8_t)scope_attribute_class(target->attributes[i]) ||
            slot->flags != scope_attribute_flags(target->attributes[i]))
            return true;
    }
    return false;
}

/* What the answer means for the record. */
static int plan(struct commit *commit)
{
    struct overlay *overlay = commit->recorder->overlay;
    const struct scope_record *other;
    const struct containment_answer *answer = &commit->answer;
    flume_verdict *verdict = &commit->verdict;
    uint64_t related = answer->superset_seq != FLUME_SEQ_NONE ? answer->superset_seq
                                                              : answer->subset_seq;
    int status = FLUME_OK;

    verdict->kind = FLUME_NEW;
    verdict->seq = related;
    verdict->extends_seq = answer->subset_seq;
    verdict->keys = NULL;
    verdict->key_count = 0;
    commit->stamp.form = SCOPE_RECORD_FULL;
    commit->stamp.is_within = false;
    commit->stamp.extends_seq = answer->subset_seq;
    commit->stamp.target_seq = FLUME_SEQ_NONE;
    commit->stamp.target_pairs = NULL;
    if (related == FLUME_SEQ_NONE)
        return FLUME_OK;
    status = overlay_read(overlay, related, &other);
    if (status == FLUME_OK && answer->superset_seq == FLUME_SEQ_NONE) {
        verdict->kind = FLUME_SUPERSET;
        status = name_keys(commit, commit->pairs, &other->identity);
    } else if (status == FLUME_OK) {
        verdict->kind = FLUME_SUBSET;
        status = name_keys(commit, &other->identity, commit->pairs);
    }
    if (status != FLUME_OK)
        return fail_damaged(commit, status, related);
    if (verdict->kind == FLUME_SUPERSET) {
        status = delta_plan(commit->recorder, commit->effective, related, other, &commit->stamp);
        return status == FLUME_OK ? FLUME_OK : fail_damaged(commit, status, related);
    }
    commit->stamp.is_within = true;
    commit->stamp.target_seq = related;
    if ((commit->recorder->options.flags & FLUME_RECORDER_STORE_FULL) != 0)
        return FLUME_OK;
    /* What is shadowed itself is no target: the one that shadows it has all of it, too. */
    if (other->form == SCOPE_RECORD_SHADOWED) {
        related = other->target_seq;
        status = overlay_read(overlay, related, &other);
        if (status != FLUME_OK)
            return fail_damaged(commit, status, related);
    }
    if (other->form != SCOPE_RECORD_FULL || has_other_attributes(commit, other))
        return FLUME_OK; /* A delta is no target either: it is stored whole. */
    commit->stamp.form = SCOPE_RECORD_SHADOWED;
    commit->stamp.target_seq = related;
    commit->stamp.target_pairs = &other->identity;
    return FLUME_OK;
}

static int append_scope(struct commit *commit, const flume_condition *condition)
{
    flume_recorder *recorder = commit->recorder;
    const char *const *labels;
    size_t label_count, own;
    int status = scope_record_encode(commit->effective, &commit->stamp, &recorder->body);
    if (status == FLUME_OK)
        status = scope_record_labels(commit->effective, &labels, &label_count, &own);
    if (status != FLUME_OK)
        return commit_refuse(recorder, commit->effective, status);
    status = links_flush(recorder);
    if (status == FLUME_OK)
        status = batch_labels(recorder, &labels, &label_count);
    if (status == FLUME_OK)
        status = recorder_append(recorder, FLUME_KIND_SCOPE, commit->stamp.first_time_ns,
                                 &recorder->body, labels, label_count, commit->stamp.tare_id,
                                 condition, &commit->verdict.record_seq);
    if (status == FLUME_OK)
        batch_count(recorder, 1, recorder->body.bytes);
    return status;
}

/* What is the same has the same id: hashing it again would take longer than all else. */
static void take_id(struct commit *commit)
{
    flume_scope *scope = commit->effective;

    if (!scope->id_known)
        scope->id_known = overlay_same_id(commit->recorder->overlay, scope->id);
}

static int append_link(struct commit *commit, uint64_t seq)
{
    commit->verdict.kind = FLUME_DUP;
    commit->verdict.seq = seq;
    commit->stamp.form = SCOPE_RECORD_LINK;
    commit->stamp.target_seq = seq;
    return links_add(commit->recorder, commit->effective, &commit->stamp);
}

/* Inside of the lane. FLUME_ERR_CONFLICT: somebody in fast mode was quicker; look again. */
static int judge_and_append(struct commit *commit)
{
    flume_recorder *recorder = commit->recorder;
    flume_condition condition = {.check = FLUME_IF_LAST, .kind = FLUME_KIND_SCOPE};
    int status = commit_ask(commit, &condition.last);

    if (status != FLUME_OK || commit->answer.dup_seq != FLUME_SEQ_NONE)
        return status;
    status = plan(commit);
    if (status == FLUME_OK)
        status = append_scope(commit, &condition);
    /* It is in the log: an overlay that could not take it in begins afresh. */
    if (status == FLUME_OK)
        (void)overlay_add(recorder->overlay, commit->pairs, commit->verdict.record_seq);
    return status;
}

static int commit_in_lane(struct commit *commit)
{
    flume_log *log = commit->recorder->handle->log;
    unsigned tries = 0;
    int status = flume_lane_enter(log, FLUME_LANE_SCOPE);

    if (status != FLUME_OK)
        return flume_fail_log(commit->recorder->handle, status);
    do {
        status = judge_and_append(commit);
    } while (status == FLUME_ERR_CONFLICT && ++tries < TRIES_MAX);
    flume_lane_leave(log, FLUME_LANE_SCOPE);
    if (status == FLUME_ERR_CONFLICT)
        return flume_fail(commit->recorder->handle, status, FLUME_SEQ_NONE,
                          "others append scopes in fast mode so quickly that no verdict can be "
                          "given; commit again, or let them ask, too");
    return status;
}

static int commit_asking(struct commit *commit)
{
    uint64_t last, seq;
    int status = FLUME_OK;

    if (is_as_before(commit)) {
        memcpy(commit->effective->id, commit->recorder->last_id, FLUME_HASH_BYTES);
        commit->effective->id_known = true;
        return append_link(commit, commit->recorder->last_seq);
    }
    if (commit_find_next(commit, &seq)) {
        status = append_link(commit, seq);
        if (status == FLUME_OK)
            remember(commit, seq);
        return status;
    }
    if (has_contents(commit)) {
        status = commit_ask(commit, &last);
        if (status == FLUME_OK && commit->answer.dup_seq == FLUME_SEQ_NONE)
            status = store_contents(commit);
    }
    if (status == FLUME_OK)
        status = commit_in_lane(commit);
    if (status == FLUME_OK && commit->answer.dup_seq != FLUME_SEQ_NONE) {
        take_id(commit);
        status = append_link(commit, commit->answer.dup_seq);
    }
    if (status == FLUME_OK)
        remember(commit, commit->verdict.kind == FLUME_DUP ? commit->verdict.seq
                                                           : commit->verdict.record_seq);
    return status;
}

static int commit_fast(struct commit *commit)
{
    int status = has_contents(commit) ? store_contents(commit) : FLUME_OK;

    commit->verdict.kind = FLUME_UNASKED;
    commit->stamp.form = SCOPE_RECORD_FULL;
    commit->stamp.is_unnamed = true;
    return status == FLUME_OK ? append_scope(commit, NULL) : status;
}

/* The verdict is not to be had now, and the recorder can do without. */
static int commit_pending(struct commit *commit)
{
    flume_view_status view = {.synced_seq = 0};
    flume_view *superset;
    int status = flume_view_find(commit->recorder->handle, "superset", &superset);

    if (status == FLUME_OK)
        status = flume_view_status_of(superset, &view);
    if (status == FLUME_OK)
        status = commit_fast(commit);
    commit->verdict.kind = FLUME_PENDING;
    commit->verdict.pending_seq = view.synced_seq;
    return status;
}

static int commit_by_mode(struct commit *commit)
{
    flume_recorder *recorder = commit->recorder;
    int status;

    if (recorder->overlay == NULL)
        return commit_fast(commit);
    status = commit_asking(commit);
    if ((status == FLUME_ERR_TIMEOUT || status == FLUME_ERR_STALE) &&
        (recorder->options.flags & FLUME_RECORDER_PENDING) != 0)
        status = commit_pending(commit);
    return status;
}

static int commit_at_once(struct commit *commit)
{
    flume_recorder *recorder = commit->recorder;
    int status = stage_flush(recorder); /* What was committed before stands before it. */

    if (status == FLUME_OK)
        status = batch_prepare(recorder);
    if (status != FLUME_OK)
        return status;
    return commit_by_mode(commit);
}

int commit_staged(flume_recorder *recorder, flume_scope *scope, const struct scope_stamp *stamp,
                  flume_verdict *out_verdict)
{
    struct commit commit;
    int status;

    init(&commit, recorder, scope);
    commit.effective = scope;
    commit.stamp.frame = stamp->frame;
    commit.stamp.enclosing_frame = stamp->enclosing_frame;
    commit.stamp.count = stamp->count;
    commit.stamp.first_time_ns = stamp->first_time_ns;
    commit.stamp.last_time_ns = stamp->last_time_ns;
    memcpy(commit.stamp.tare_id, stamp->tare_id, sizeof commit.stamp.tare_id);
    status = scope_pairs_of(scope, &commit.pairs);
    if (status == FLUME_OK)
        status = commit_by_mode(&commit);
    *out_verdict = commit.verdict;
    return status == FLUME_OK ? flume_scope_id(scope, out_verdict->id) : status;
}

/* ---- staging ---- */

/* Of which scope it is a duplicate, whatever others commit until it is written; if of any. */
static int find_same(struct commit *commit, const uint8_t id[FLUME_HASH_BYTES])
{
    flume_verdict *verdict = &commit->verdict;
    uint64_t last;
    int status = stage_find(commit->recorder, id, &verdict->staged_of);

    if (status == FLUME_ERR_NOT_FOUND) {
        status = commit_ask(commit, &last);
        verdict->seq = commit->answer.dup_seq;
        if (status == FLUME_OK && verdict->seq == FLUME_SEQ_NONE)
            return FLUME_OK;
    }
    verdict->kind = FLUME_DUP;
    return status;
}

static int commit_to_stage(struct commit *commit)
{
    flume_recorder *recorder = commit->recorder;
    struct stage_entry entry = {.frame = commit->stamp.frame,
                                .enclosing_frame = commit->stamp.enclosing_frame};
    int status = flume_scope_id(commit->effective, entry.id);

    memcpy(entry.tare_id, commit->stamp.tare_id, sizeof entry.tare_id);
    commit->verdict.kind = recorder->overlay != NULL ? FLUME_STAGED : FLUME_UNASKED;
    if (status == FLUME_OK && recorder->overlay != NULL)
        status = find_same(commit, entry.id);
    entry.is_again = commit->verdict.kind == FLUME_DUP;
    if (status == FLUME_OK)
        status = stage_add(recorder, commit->effective, &entry, &commit->verdict.staged_id);
    return status;
}

/* ---- committing ---- */

/* As it was asked for: into the stage, or into the log. */
static int carry_out(struct commit *commit, struct stage_turn *out_turn)
{
    flume_recorder *recorder = commit->recorder;
    int status = stage_turn_of(recorder, commit->scope, out_turn);

    if (status == FLUME_OK)
        status = enclosing_frames(recorder, commit->scope, &commit->stamp.frame,
                                  &commit->stamp.enclosing_frame);
    if (status != FLUME_OK)
        return commit_refuse(recorder, commit->scope, status);
    return out_turn->is_staged ? commit_to_stage(commit) : commit_at_once(commit);
}

int flume_commit(flume_recorder *recorder, flume_scope *scope, flume_verdict *out_verdict)
{
    struct commit commit;
    struct stage_turn turn;
    int status;

    if (recorder == NULL || scope == NULL)
        return FLUME_ERR_INVALID;
    status = commit_begin(&commit, recorder, scope, RULES_FOR_COMMIT);
    if (status == FLUME_OK)
        status = carry_out(&commit, &turn);
    if (status != FLUME_OK)
        return status;
    enclosing_committed(recorder, scope, turn.is_staged);
    if (out_verdict != NULL) {
        *out_verdict = commit.verdict;
        if (commit.verdict.kind != FLUME_UNASKED)
            status = flume_scope_id(commit.effective, out_verdict->id);
    }
    if (turn.is_staged && ++*turn.counter >= turn.every && turn.every != 0)
        status = stage_flush(recorder);
    return status;
}
