/*
 * run_explain.c - `flume explain`: how a command would be answered.
 *
 * What always holds: nothing is waited for and nothing is written: views are asked for what they
 * have.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "asking.h"
#include "expression.h"
#include "grid.h"
#include "run.h"
#include "utf8.h"

static const struct grid_column step_columns[] = {
    {"source", 10, false}, {"at", 9, true}, {"lag", 9, true}, {"step", 0, false}};

struct explaining {
    struct session *session;
    struct grid grid;
};

/* ---- steps ---- */

static void add_step(struct explaining *explaining, const char *source, uint64_t at, uint64_t lag,
                     const char *step)
{
    grid_string(&explaining->grid, source);
    grid_seq(&explaining->grid, at);
    grid_count(&explaining->grid, lag);
    grid_string(&explaining->grid, step);
    (void)grid_end_row(&explaining->grid); /* A failure shows when stdout is flushed. */
}

static void step_of_log(struct explaining *explaining, const char *step)
{
    add_step(explaining, "log", flume_log_head(explaining->session->log), 0, step);
}

/* How a view stands, and what it is asked for. The command itself waits for one that lags. */
static void step_of_view(struct explaining *explaining, const char *view, const char *step)
{
    flume_view_status status;
    struct text whole = {0};

    if (!asking_look(explaining->session, view, &status)) {
        add_step(explaining, view, FLUME_SEQ_NONE, 0, "there is no such view");
        return;
    }
    text_string(&whole, step);
    if (status.state != FLUME_VIEW_LIVE && status.state != FLUME_VIEW_CLOSED)
        text_format(&whole, "; it is %s", flume_view_state_name(status.state));
    if (status.lag_records != 0)
        text_format(&whole, "; it applies %" PRIu64 " records first", status.lag_records);
    add_step(explaining, view, status.synced_seq, status.lag_records, text_c_string(&whole));
    text_deinit(&whole);
}

/* ---- references ---- */

static void explain_reference(struct explaining *explaining, const struct reference *reference)
{
    struct text step = {0}, name = {0};

    utf8_show(&name, reference->text, reference->bytes, 0);
    switch (reference->form) {
    case REFERENCE_SEQ:
        step_of_log(explaining, "1 record, by its seq");
        break;
    case REFERENCE_FIRST:
        step_of_log(explaining, "from the beginning to the first record that is no manifest");
        break;
    case REFERENCE_LAST:
        text_format(&step, "%" PRIu64 " records from the end, and manifests between them",
                    reference->number + 1);
        step_of_log(explaining, text_c_string(&step));
        break;
    case REFERENCE_PRINTED:
        step_of_log(explaining, "1 record, by its seq: the one that was printed last");
        break;
    case REFERENCE_LABEL:
        text_format(&step, "label '%s': the newest row and %" PRIu64 " before it",
                    text_c_string(&name), reference->number);
        step_of_view(explaining, "label", text_c_string(&step));
        break;
    case REFERENCE_BOOKMARK:
        text_format(&step, "bookmark '%s': 1 row", text_c_string(&name));
        step_of_view(explaining, "label", text_c_string(&step));
        break;
    case REFERENCE_HASH:
        text_format(&step, "hashes that begin with %s: 2 rows, if there is one",
                    text_c_string(&name));
        step_of_view(explaining, "hash", text_c_string(&step));
        break;
    }
    text_deinit(&step);
    text_deinit(&name);
}

static void explain_range(struct explaining *explaining, const struct reference_range *range)
{
    if (range->has_from && reference_needs_views(&range->from))
        explain_reference(explaining, &range->from);
    if (range->has_to && reference_needs_views(&range->to))
        explain_reference(explaining, &range->to);
}

static void explain_options(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;

    for (size_t i = 0; i < invocation->option_count; i++)
        if (option_table[invocation->options[i].id].type == OPTION_TYPE_REFERENCE)
            explain_reference(explaining, &invocation->options[i].reference);
}

/* ---- commands ---- */

static int explain_get(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;

    for (size_t i = 0; i < invocation->operand_count; i++) {
        const struct reference *reference = &invocation->operands[i].reference;

        explain_reference(explaining, reference);
        if (reference_needs_views(reference))
            step_of_log(explaining, "1 record, by the seq found");
    }
    return CODE_OK;
}

static int explain_reading(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;
    bool has_range = invocation->command->operand_type == OPERAND_RANGE &&
                     invocation->operand_count == 1;

    if (has_range)
        explain_range(explaining, &invocation->operands[0].range);
    if (invocation_has(invocation, OPTION_WITH_LABEL) || invocation_has(invocation, OPTION_GREP) ||
        invocation_has(invocation, OPTION_OF_KIND) || invocation_has(invocation, OPTION_WHERE))
        step_of_log(explaining, has_range
                                    ? "every record of the range is looked at, none is indexed"
                                    : "every record is looked at: label show and find look less");
    else
        step_of_log(explaining, "records in their order, as many as are shown");
    return CODE_OK;
}

static int explain_label(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;
    bool shows_records = strcmp(invocation->sub->name, "list") != 0 &&
                         strcmp(invocation->sub->name, "count") != 0;

    if (!shows_records) {
        step_of_view(explaining, "label", "a row for each label");
        return CODE_OK;
    }
    for (size_t i = 0; i < invocation->operand_count; i++) {
        const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
        const char *label = invocation->operands[i].text;
        flume_label_info info = {.count = 0};
        struct text step = {0};

        (void)flume_label_get(explaining->session->flume, &at_once, label, &info);
        text_format(&step, "label '%s': about %" PRIu64 " rows", label, info.count);
        step_of_view(explaining, "label", text_c_string(&step));
        text_deinit(&step);
    }
    step_of_log(explaining, "each record that fits, by its seq");
    return CODE_OK;
}

/* Each line that the library has to say. */
static void add_explanation(struct explaining *explaining, const flume_explanation *explanation)
{
    const char *line = explanation->text;

    while (*line != '\0') {
        size_t bytes = strcspn(line, "\n");
        struct text step = {0};

        text_add(&step, line, bytes);
        add_step(explaining, "query", explanation->as_of, 0, text_c_string(&step));
        text_deinit(&step);
        line += bytes + (line[bytes] == '\n' ? 1 : 0);
    }
}

static int explain_query(struct explaining *explaining, struct asking *asking,
                         const struct expression *expression)
{
    flume_explanation explanation;
    flume_query *query = NULL;
    int status;

    for (size_t i = 0; i < expression->term_count; i++) {
        if (expression->operands[i] != NULL)
            step_of_view(explaining, expression->operands[i]->text, "a term of the query");
        else if (expression->terms[i].what == FLUME_TERM_LABEL)
            step_of_view(explaining, "label", "a term of the query");
    }
    if (expression->hash != NULL)
        step_of_view(explaining, "hash", "the hash that begins so: 2 rows");
    if (expression->term == NULL) {
        step_of_log(explaining, "each record with the hash, by its seq");
        return CODE_OK;
    }
    status = flume_query_open(explaining->session->flume, &asking->ask, expression->term, &query);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    flume_query_explain(query, &explanation);
    add_explanation(explaining, &explanation);
    flume_query_close(query);
    return CODE_OK;
}

static bool is_fold(struct explaining *explaining, const char *view)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    flume_declaration declaration;

    return flume_view_declaration(explaining->session->flume, &at_once, view, &declaration) ==
               FLUME_OK &&
           declaration.what == FLUME_DECLARED_REDUCE;
}

static int explain_find(struct explaining *explaining)
{
    struct session *session = explaining->session;
    const char *first = session->invocation->operands[0].text;
    struct expression expression = {.term = NULL};
    struct parse_error error;
    struct asking asking;
    int code;

    if (is_fold(explaining, first)) {
        step_of_view(explaining, first, "a row for each group");
        return CODE_OK;
    }
    code = asking_begin(&asking, session, NULL);
    asking.ask.flags |= FLUME_ASK_STALE_OK;
    if (code == CODE_OK && !expression_parse(session->invocation, &expression, &error))
        code = report_parse_error(session, &error);
    if (code == CODE_OK)
        code = explain_query(explaining, &asking, &expression);
    expression_release(&expression);
    asking_end(&asking);
    return code;
}

static int explain_mark(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;
    struct reference reference;
    struct fault fault;

    if (strcmp(invocation->sub->name, "set") != 0) {
        step_of_view(explaining, "label", "bookmarks: a row for each that is shown");
        return CODE_OK;
    }
    if (invocation->operand_count == 2 &&
        reference_parse(invocation->operands[1].text, &reference, &fault))
        explain_reference(explaining, &reference);
    step_of_log(explaining, "1 record is appended");
    return CODE_OK;
}

static int explain_view(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;

    if (invocation->operand_count == 0)
        step_of_log(explaining, "how views stand is asked of each, without waiting");
    for (size_t i = 0; i < invocation->operand_count && i < 1; i++)
        step_of_view(explaining, invocation->operands[i].text, invocation->sub->summary);
    return CODE_OK;
}

static int explain_blob(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;

    if (strcmp(invocation->sub->name, "grains") == 0)
        step_of_log(explaining, "the file GRAINS says where chunks are");
    else if (strcmp(invocation->sub->name, "put") == 0)
        step_of_view(explaining, "blob", "whether the content is known; if not, it is appended");
    else
        step_of_view(explaining, "blob", invocation->sub->summary);
    return CODE_OK;
}

static int explain_scope(struct explaining *explaining)
{
    const struct invocation *invocation = explaining->session->invocation;
    const char *form = invocation->sub == NULL ? "" : invocation->sub->name;
    bool is_dup = invocation->command == command_of(COMMAND_DUP);

    if (strcmp(form, "put") == 0 || strcmp(form, "get") == 0) {
        step_of_view(explaining, "address", "which values were put at which address");
        return CODE_OK;
    }
    if (strcmp(form, "config") == 0) {
        step_of_log(explaining, "1 record, the newest of kind schema");
        return CODE_OK;
    }
    if (strcmp(form, "add") == 0)
        step_of_view(explaining, "superset", "the same, what it lies within, what it has all of");
    else if (is_dup || strcmp(form, "show") == 0 || strcmp(form, "explain") == 0)
        step_of_view(explaining, "scope", "how often it was committed");
    if (strcmp(form, "stat") == 0) {
        step_of_view(explaining, "scope", "how many there are");
        step_of_view(explaining, "superset", "counts of shapes");
    } else if (strcmp(form, "add") != 0)
        step_of_log(explaining, "scopes and links are read one by one");
    return CODE_OK;
}

static int explain_batch(struct explaining *explaining)
{
    step_of_view(explaining, "label", "which batches there are, and from where to where");
    if (strcmp(explaining->session->invocation->sub->name, "show") == 0)
        step_of_log(explaining, "the scopes and links of the batch are read one by one");
    return CODE_OK;
}

static int explain_cache(struct explaining *explaining)
{
    step_of_view(explaining, "address", "which values were put at which address");
    return CODE_OK;
}

static int explain_run(struct explaining *explaining)
{
    step_of_view(explaining, "address", "whether there is a result: then it is replayed");
    step_of_view(explaining, "superset", "else, when the command has ended: is its scope new");
    return CODE_OK;
}

static int explain_other(struct explaining *explaining)
{
    step_of_log(explaining, "no view is asked");
    return CODE_OK;
}

static int explain(struct explaining *explaining)
{
    explain_options(explaining);
    switch (explaining->session->invocation->command->id) {
    case COMMAND_GET:
        return explain_get(explaining);
    case COMMAND_LOG:
    case COMMAND_TAIL:
    case COMMAND_EXPORT:
        return explain_reading(explaining);
    case COMMAND_LABEL:
        return explain_label(explaining);
    case COMMAND_FIND:
        return explain_find(explaining);
    case COMMAND_MARK:
        return explain_mark(explaining);
    case COMMAND_BLOB:
        return explain_blob(explaining);
    case COMMAND_SCOPE:
    case COMMAND_TAPE:
    case COMMAND_DUP:
    case COMMAND_SUPER:
    case COMMAND_SUB:
    case COMMAND_GRAPH:
        return explain_scope(explaining);
    case COMMAND_BATCH:
        return explain_batch(explaining);
    case COMMAND_CACHE:
        return explain_cache(explaining);
    case COMMAND_RUN:
        return explain_run(explaining);
    case COMMAND_VIEW:
        return explain_view(explaining);
    default:
        return explain_other(explaining);
    }
}

int run_explain(struct session *session)
{
    struct explaining explaining = {.session = session};
    flume_log *log;
    int code;

    grid_init(&explaining.grid, session, "step", step_columns,
              sizeof(step_columns) / sizeof(step_columns[0]));
    session->needs_views = true;
    code = session_open_to_read(session, &log);
    if (code == CODE_OK)
        code = explain(&explaining);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
