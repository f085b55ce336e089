/*
 * run_blob.c - `flume blob`: content-addressed data; and `blob grains`, where its chunks are.
 */
#include <stdlib.h>
#include <string.h>

#include "blob_forms.h"
#include "run.h"
#include "typed_path.h"

/* ---- grains ---- */

static const struct grid_column grains_columns[] = {
    {"state", 6, false}, {"path", 20, false}, {"grains", 0, false}};

static const char *state_name(enum flume_grains_state state)
{
    switch (state) {
    case FLUME_GRAINS_NONE:
        return "none";
    case FLUME_GRAINS_HERE:
        return "here";
    default:
        return "absent";
    }
}

static int move_grains(struct blobbing *blobbing)
{
    struct session *session = blobbing->session;
    const struct option_use *use = invocation_option(session->invocation, OPTION_GRAINS_PATH);
    uint64_t strata_bytes = invocation_number(session->invocation, OPTION_STRATA, 0);
    char *path;
    int status;

    if (use == NULL)
        return CODE_OK;
    path = typed_path(session->db, use->text);
    if (path == NULL)
        return report(session, ERROR_NO_MEMORY);
    status = flume_blob_place_set(session->flume, path, strata_bytes);
    free(path);
    return status == FLUME_OK ? CODE_OK : blob_name_report(blobbing, status);
}

int blob_form_grains(struct blobbing *blobbing)
{
    struct session *session = blobbing->session;
    flume_grains_place place = {.state = FLUME_GRAINS_NONE};
    struct text id = {0};
    struct grid grid;
    int code = move_grains(blobbing);
    int status;

    if (code != CODE_OK)
        return code;
    status = flume_blob_place(session->flume, &place);
    if (status != FLUME_OK)
        return blob_name_report(blobbing, status);
    for (size_t i = 0; i < sizeof(place.basin_id) && place.state != FLUME_GRAINS_NONE; i++)
        text_format(&id, "%02x", place.basin_id[i]);
    grid_init(&grid, session, "grains", grains_columns,
              sizeof(grains_columns) / sizeof(grains_columns[0]));
    grid_make_card(&grid);
    grid_string(&grid, state_name(place.state));
    if (place.path[0] == '\0')
        grid_absent(&grid);
    else
        grid_string(&grid, place.path);
    if (id.bytes == 0)
        grid_absent(&grid);
    else
        grid_bytes(&grid, id.data, id.bytes);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    text_deinit(&id);
    if (place.is_taken)
        note(session, "%s is another basin; what this one needs is not there", place.path);
    if (place.is_unnamed)
        note(
            session,
            "a basin is there, but GRAINS, which would say that it belongs to this one, is not; if "
            "it does: flume %s blob grains --path %s",
            session->db, place.path);
    return CODE_OK;
}

/* ---- the command ---- */

struct form {
    const char *name;
    int (*run)(struct blobbing *blobbing);
    int (*check)(struct session *session); /* NULL: whatever the parser lets through. */
    unsigned open_flags;
};

static const struct form forms[] = {
    {"put", blob_form_put, blob_form_check_put, 0},
    {"get", blob_form_get, blob_form_check_get, FLUME_OPEN_READ_ONLY},
    {"list", blob_form_list, NULL, FLUME_OPEN_READ_ONLY},
    {"stat", blob_form_stat, NULL, FLUME_OPEN_READ_ONLY},
    {"has", blob_form_has, NULL, FLUME_OPEN_READ_ONLY},
    {"verify", blob_form_verify, blob_form_check_verify, FLUME_OPEN_READ_ONLY},
    {"unreferenced", blob_form_unreferenced, NULL, FLUME_OPEN_READ_ONLY},
    {"grains", blob_form_grains, NULL, FLUME_OPEN_READ_ONLY}};

static int open_basin(struct session *session, const struct form *form)
{
    flume_log_options options = {.profile = session_profile(session)};
    bool writes = (form->open_flags & FLUME_OPEN_READ_ONLY) == 0 ||
                  invocation_has(session->invocation, OPTION_GRAINS_PATH);
    flume_log *log;

    if (invocation_has(session->invocation, OPTION_CREATE))
        options.flags |= FLUME_OPEN_CREATE;
    return writes ? session_open(session, &options, &log) : session_open_to_read(session, &log);
}

int run_blob(struct session *session)
{
    struct blobbing blobbing = {.session = session};
    const struct form *form = forms;
    int code, status;

    while (strcmp(form->name, session->invocation->sub->name) != 0)
        form++;
    code = form->check == NULL ? CODE_OK : form->check(session);
    if (code != CODE_OK)
        return code;
    session->needs_views = true;
    session_take_signals(session);
    code = open_basin(session, form);
    if (code != CODE_OK)
        return code;
    code = asking_begin(&blobbing.asking, session, "blob");
    if (code == CODE_OK)
        code = form->run(&blobbing);
    asking_end(&blobbing.asking);
    status = session_close(session);
    if (status != FLUME_OK)
        code = exit_code_worse(code, report_status(session, status, NULL));
    return code;
}
