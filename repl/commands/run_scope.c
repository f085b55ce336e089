/*
 * run_scope.c - `flume scope`, tape, dup, super, sub and graph: scopes, and what is related to
 * them; here are scope add and show.
 */
#include <stdio.h>
#include <string.h>

#include "flume/scope_batch.h"
#include "object.h"
#include "run.h"
#include "scope_forms.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* ---- add ---- */

static const struct grid_column add_columns[] = {{"verdict", 0, false}, {"seq", 0, false},
                                                 {"record", 0, false},  {"extends", 0, false},
                                                 {"keys", 0, false},    {"id", 0, false}};

static void put_keys(struct grid *grid, const flume_verdict *verdict)
{
    struct text json = {0}, shown = {0};

    text_char(&json, '[');
    for (size_t i = 0; i < verdict->key_count; i++) {
        text_string(&json, i == 0 ? "" : ",");
        object_put_string(&json, verdict->keys[i], strlen(verdict->keys[i]));
        text_string(&shown, i == 0 ? "" : ",");
        text_string(&shown, verdict->keys[i]);
    }
    text_char(&json, ']');
    if (grid->session->json)
        grid_list(grid, &json, &shown);
    else
        grid_bytes(grid, shown.data, shown.bytes);
    text_deinit(&json);
    text_deinit(&shown);
}

static void put_id(struct grid *grid, const uint8_t id[FLUME_HASH_BYTES])
{
    char text[FLUME_SCOPE_ID_TEXT_BYTES + 1];

    flume_scope_id_text(id, text);
    grid_string(grid, text);
}

static void put_verdict(struct session *session, const flume_verdict *verdict)
{
    struct grid grid;

    grid_init(&grid, session, "verdict", add_columns, COLUMN_COUNT(add_columns));
    grid_spare(&grid, "extends id");
    grid_string(&grid, scope_row_verdict(verdict->kind));
    grid_seq(&grid, verdict->kind == FLUME_SUPERSET ? verdict->extends_seq : verdict->seq);
    grid_seq(&grid, verdict->record_seq);
    grid_seq(&grid, verdict->extends_seq);
    put_keys(&grid, verdict);
    put_id(&grid, verdict->id);
    session_printed(session,
                    verdict->record_seq != FLUME_SEQ_NONE ? verdict->record_seq : verdict->seq);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

static int commit(struct scoping *scoping, flume_scope *scope)
{
    struct session *session = scoping->session;
    flume_recorder_options options = {.flags = FLUME_RECORDER_NO_OWN_LABEL,
                                      .ask = scoping->asking.ask};
    flume_recorder *recorder = NULL;
    flume_verdict verdict;
    int status;

    if (invocation_has(session->invocation, OPTION_STORE_DELTA))
        options.flags |= FLUME_RECORDER_STORE_DELTA;
    status = flume_recorder_open(&recorder, session->flume, &options);
    if (status == FLUME_OK)
        status = flume_commit(recorder, scope, &verdict);
    if (status == FLUME_OK)
        status = flume_recorder_flush(recorder);
    if (status == FLUME_OK && !session->quiet)
        put_verdict(session, &verdict);
    (void)flume_recorder_close(recorder); /* All that waited was written. */
    return status == FLUME_OK ? CODE_OK : asking_report(&scoping->asking, status);
}

int scope_form_add(struct scoping *scoping)
{
    flume_scope *scope;
    int code = scope_words_read(scoping->session, OPTION_LABEL, &scope);

    if (code == CODE_OK)
        code = commit(scoping, scope);
    flume_scope_destroy(scope);
    return code;
}

/* ---- show ---- */

static const struct grid_column show_columns[] = {
    {"seq", 0, false},     {"time", 0, false},  {"verdict", 0, false},   {"of", 0, false},
    {"extends", 0, false}, {"base", 0, false},  {"enclosing", 0, false}, {"first", 0, false},
    {"last", 0, false},    {"count", 0, true},  {"id", 0, false},        {"local_id", 0, false},
    {"labels", 0, false},  {"batch", 0, false}, {"tare", 0, false},      {"variables", 0, false}};

static const char *class_name(enum flume_variable_class class_)
{
    static const char *const names[] = {"inline", "blob", "hash", "volatile", "ignore", "unknown"};

    return (unsigned)class_ < sizeof(names) / sizeof(names[0]) ? names[class_] : "unknown";
}

static const char *type_name(enum flume_value_type type)
{
    static const char *const names[] = {"null", "bool",      "int",       "uint", "f64",
                                        "text", "bytes",     "symbol",    "time", "blob",
                                        "hash", "empty map", "empty list"};

    return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}

/* "eps = 0.1  (f64)", and as an object. */
static bool add_variable(struct scoping *scoping, const flume_variable *variable, struct text *json,
                         struct text *lines)
{
    const char *type = type_name(variable->value.type), *class_ = class_name(variable->class_);
    bool is_local = (variable->flags & FLUME_VARIABLE_GLOBAL) == 0;
    /* Blobs and hashes are of the class of that name. */
    bool says_class = variable->class_ != FLUME_CLASS_INLINE && strcmp(class_, type) != 0;
    struct text value = {0};
    bool good = scope_row_value(scoping, &value, variable);

    text_string(json, json->bytes == 1 ? "{\"key\":" : ",{\"key\":");
    object_put_string(json, variable->key, strlen(variable->key));
    object_string(json, "type", type);
    object_string(json, "class", class_);
    object_bool(json, "local", is_local);
    object_key(json, "value");
    text_add(json, value.data, value.bytes);
    text_char(json, '}');
    for (const char *at = variable->key; *at != '\0'; at++)
        text_char(lines, *at == '\n' ? ' ' : *at); /* Each variable is one line. */
    text_string(lines, " = ");
    text_add(lines, value.data, value.bytes);
    text_format(lines, "  (%s%s%s%s)\n", type, says_class ? ", " : "", says_class ? class_ : "",
                is_local ? "" : ", global");
    text_deinit(&value);
    return good;
}

static bool put_variables(struct scoping *scoping, struct grid *grid, const flume_scope *scope)
{
    struct text json = {0}, lines = {0};
    flume_variable variable;
    bool good = true;

    text_char(&json, '[');
    for (size_t i = 0; good && flume_scope_at(scope, i, &variable); i++)
        good = add_variable(scoping, &variable, &json, &lines);
    text_char(&json, ']');
    grid_list(grid, &json, &lines);
    good = good && !json.failed && !lines.failed;
    text_deinit(&json);
    text_deinit(&lines);
    return good;
}

/* What the tape says of a record. */
static int find_entry(struct scoping *scoping, uint64_t seq, flume_tape_entry *out_entry,
                      char out_batch[FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1])
{
    const flume_cursor_options options = {.bounds = FLUME_GTE | FLUME_LTE, .gte = seq, .lte = seq};
    flume_tape *tape = NULL;
    int status = flume_tape_open(scoping->session->flume, &options, &tape);

    if (status == FLUME_OK)
        status = flume_tape_next(tape, 0, out_entry, NULL);
    (void)snprintf(out_batch, FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1, "%s", flume_tape_batch(tape));
    flume_tape_close(tape);
    return status;
}

/* What is absent of a scope of which only what it adds is known. */
static void put_local_id(struct grid *grid, flume_scope *scope, bool is_known)
{
    uint8_t local_id[FLUME_HASH_BYTES];

    if (is_known && flume_scope_local_id(scope, local_id) == FLUME_OK)
        put_id(grid, local_id);
    else
        grid_absent(grid);
}

/* added_to: the scope is what it adds to this one; FLUME_SEQ_NONE: it is whole. */
static int show(struct scoping *scoping, uint64_t seq, flume_scope *scope, uint64_t added_to)
{
    struct session *session = scoping->session;
    const flume_ask *ask = &scoping->asking.ask;
    uint64_t enclosing = FLUME_SEQ_NONE;
    char batch[FLUME_SCOPE_BATCH_ID_BYTES_MAX + 1];
    flume_tape_entry entry;
    flume_scope_info info;
    struct grid grid;
    int status = find_entry(scoping, seq, &entry, batch);

    if (status == FLUME_OK)
        status = flume_scope_find_id(session->flume, ask, entry.id, &info);
    if (status == FLUME_ERR_NOT_FOUND) { /* The view was asked as of before. */
        info = (flume_scope_info){seq, seq, entry.repeats, entry.last_time_ns};
        status = FLUME_OK;
    }
    if (status == FLUME_OK && entry.enclosing_frame != 0)
        status = flume_scope_of_frame(session->flume, ask, entry.enclosing_frame, &enclosing);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return asking_report(&scoping->asking, status);
    grid_init(&grid, session, "scope", show_columns, COLUMN_COUNT(show_columns));
    grid_make_card(&grid);
    grid_optional(&grid, "base batch tare");
    grid_seq(&grid, seq);
    grid_time(&grid, entry.last_time_ns);
    grid_string(&grid, scope_row_verdict(entry.kind));
    scope_row_related(&grid, &entry);
    grid_seq(&grid, entry.base_seq);
    grid_seq(&grid, enclosing);
    grid_seq(&grid, info.first_seq);
    grid_seq(&grid, info.last_seq);
    grid_count(&grid, info.count);
    put_id(&grid, entry.id);
    put_local_id(&grid, scope, added_to == FLUME_SEQ_NONE);
    scope_row_labels(&grid, scope);
    if (batch[0] != '\0')
        grid_string(&grid, batch);
    else
        grid_absent(&grid);
    scope_row_tares(&grid, &entry);
    if (!put_variables(scoping, &grid, scope))
        return report(session, ERROR_NO_MEMORY);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    session_printed(session, seq);
    if (added_to != FLUME_SEQ_NONE)
        note(session,
             "these are the variables that it adds to @%llu, and its labels: all that is left",
             (unsigned long long)added_to);
    return CODE_OK;
}

int scope_form_show(struct scoping *scoping)
{
    struct session *session = scoping->session;
    uint64_t seq = FLUME_SEQ_NONE, base_seq;
    flume_scope *scope;
    int code = scope_words_resolve(scoping, &session->invocation->operands[0], &seq, &scope);

    if (code == CODE_OK)
        code = show(scoping, seq, scope, FLUME_SEQ_NONE);
    else if (code == CODE_DAMAGED && seq != FLUME_SEQ_NONE &&
             flume_scope_read_added(session->flume, seq, &scope, &base_seq) == FLUME_OK)
        code = exit_code_worse(code, show(scoping, seq, scope, base_seq));
    flume_scope_destroy(scope);
    return code;
}

/* ---- the commands ---- */

static int open_basin(struct session *session, bool writes)
{
    flume_log_options options = {.profile = session_profile(session)};
    flume_log *log;

    if (invocation_has(session->invocation, OPTION_CREATE))
        options.flags |= FLUME_OPEN_CREATE;
    return writes ? session_open(session, &options, &log) : session_open_to_read(session, &log);
}

static int run(struct session *session, int (*form)(struct scoping *scoping))
{
    struct scoping scoping = {.session = session};
    int code, status;

    session->needs_views = true;
    session_take_signals(session);
    code = open_basin(session, form == scope_form_add || form == scope_form_put);
    if (code != CODE_OK)
        return code;
    limit_init(&scoping.limit, session, OPTION_ROWS_MAX);
    code = asking_begin(&scoping.asking, session, "scope");
    if (code == CODE_OK) {
        if (form == scope_form_add)
            asking_add(&scoping.asking, "superset");
        if (form == scope_form_get)
            asking_add(&scoping.asking, "address");
        asking_note_stale(&scoping.asking);
        code = form(&scoping);
    }
    flume_scope_destroy(scoping.one);
    asking_end(&scoping.asking);
    status = session_close(session);
    if (status != FLUME_OK)
        code = exit_code_worse(code, report_status(session, status, NULL));
    return code;
}

int run_scope(struct session *session)
{
    static const struct {
        const char *name;
        int (*form)(struct scoping *scoping);
    } forms[] = {{"list", scope_form_list}, {"add", scope_form_add},
                 {"show", scope_form_show}, {"diff", scope_form_diff},
                 {"find", scope_form_find}, {"explain", scope_form_explain},
                 {"put", scope_form_put},   {"get", scope_form_get},
                 {"stat", scope_form_stat}, {"config", scope_form_config}};
    size_t at = 0;
    int code = CODE_OK;

    while (strcmp(forms[at].name, session->invocation->sub->name) != 0)
        at++;
    if (forms[at].form == scope_form_put)
        code = scope_form_check_put(session);
    else if (forms[at].form == scope_form_get)
        code = scope_form_check_get(session);
    return code == CODE_OK ? run(session, forms[at].form) : code;
}

int run_tape(struct session *session)
{
    return run(session, scope_form_tape);
}

int run_dup(struct session *session)
{
    return run(session, scope_form_dup);
}

int run_super(struct session *session)
{
    return run(session, scope_form_super);
}

int run_sub(struct session *session)
{
    return run(session, scope_form_sub);
}

int run_graph(struct session *session)
{
    int code = scope_form_check_graph(session);

    return code == CODE_OK ? run(session, scope_form_graph) : code;
}
