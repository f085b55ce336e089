/*
 * run_plot.c - `flume plot`: a picture, as SVG, with characters, or as the numbers behind it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "object.h"
#include "output_file.h"
#include "plot.h"
#include "run.h"
#include "scan.h"
#include "suggest.h"

static const struct plot_form *const forms[] = {&plot_rate, &plot_lag, &plot_size, &plot_timeline};
enum { FORMS = sizeof(forms) / sizeof(forms[0]), SIDE_CELLS = PLOT_NAME_CELLS + 14 };

static const struct plot_form *find_form(struct session *session)
{
    const struct operand *operand = &session->invocation->operands[0];
    struct suggestion suggestion;
    const struct report_detail detail = {.place = {.token = operand->token},
                                         .suggestion = &suggestion};

    suggest_begin(&suggestion, "", operand->text, strlen(operand->text));
    for (size_t i = 0; i < FORMS; i++) {
        if (strcmp(forms[i]->name, operand->text) == 0)
            return forms[i];
        suggest_offer(&suggestion, forms[i]->name);
    }
    report_with(session, &detail, ERROR_NO_PLOT);
    return NULL;
}

/* ---- SVG ---- */

static int write_file(struct session *session, const struct svg *svg, const char *path)
{
    struct output_file file;
    int status = output_file_begin(&file, path);

    if (status == 0 && svg->text.failed) {
        output_file_abandon(&file);
        status = -ENOMEM;
    } else if (status == 0) {
        /* A failure shows when it is committed: the stream remembers it. */
        (void)fwrite(svg->text.data, 1, svg->text.bytes, file.stream);
        status = output_file_commit(&file);
    }
    if (status == 0)
        return CODE_OK;
    return report(session, ERROR_FILE_UNWRITABLE, path, strerror(-status));
}

static void say_written(struct plot *plot, const struct svg *svg, const char *path)
{
    struct session *session = plot->session;

    if (session->json) {
        object_begin(&session->line, "plot");
        object_string(&session->line, "plot", plot->form->name);
        object_string(&session->line, "file", path);
        object_uint(&session->line, "points", svg->points);
        object_bytes(&session->line, "what", plot->what.data, plot->what.bytes);
        object_end(&session->line);
        (void)session_emit(session); /* A failure shows when stdout is flushed. */
    } else {
        session_writes_text(session);
        note(session, "%s  %zu points; %s", path, svg->points, text_c_string(&plot->what));
    }
}

/* As any row of text goes out. */
static int print(struct session *session, const struct svg *svg)
{
    if (svg->text.failed)
        return report(session, ERROR_NO_MEMORY);
    session_writes_text(session);
    text_add(&session->line, svg->text.data, svg->text.bytes);
    (void)session_emit(session); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

static int draw_to_file(struct plot *plot, const char *path)
{
    struct svg svg;
    int code;

    plot->form->draw(plot, &svg);
    svg_end(&svg);
    if (strcmp(path, "-") == 0) {
        code = print(plot->session, &svg);
        svg_deinit(&svg);
        return code;
    }
    cancel_begin(plot->session); /* The file is made wholly, or not at all. */
    code = write_file(plot->session, &svg, path);
    cancel_end(plot->session);
    if (code == CODE_OK)
        say_written(plot, &svg, path);
    svg_deinit(&svg);
    return code;
}

/* ---- the command ---- */

static bool draws_with_characters(const struct session *session)
{
    if (invocation_has(session->invocation, OPTION_OUTPUT))
        return false;
    return invocation_has(session->invocation, OPTION_TERM) ||
           (session->mode == MODE_TABLE && !session->mode_is_chosen);
}

static int check(struct session *session, const struct plot_form *form)
{
    static const enum option_id filters[] = {OPTION_WITH_LABEL, OPTION_SINCE, OPTION_UNTIL};
    const struct option_use *term = invocation_option(session->invocation, OPTION_TERM);

    if (term != NULL && invocation_has(session->invocation, OPTION_OUTPUT))
        return report_at(session, (struct reference_place){.token = term->token},
                         ERROR_TERM_AND_FILE);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]) && form == &plot_lag; i++) {
        const struct option_use *use = invocation_option(session->invocation, filters[i]);

        if (use != NULL)
            return report_at(session, (struct reference_place){.token = use->token},
                             ERROR_LAG_OF_RECORDS);
    }
    return CODE_OK;
}

static int show(struct plot *plot)
{
    const struct option_use *output = invocation_option(plot->session->invocation, OPTION_OUTPUT);

    if (output != NULL)
        return draw_to_file(plot, output->text);
    if (plot->cells != 0)
        plot->form->draw_term(plot);
    else
        plot->form->numbers(plot);
    return CODE_OK;
}

int run_plot(struct session *session)
{
    struct plot plot = {.session = session, .form = find_form(session)};
    flume_log *log;
    int code = plot.form == NULL ? CODE_USAGE : check(session, plot.form);

    if (code != CODE_OK)
        return code;
    if (draws_with_characters(session))
        plot.cells = session->width > SIDE_CELLS + 20 ? session->width - SIDE_CELLS : 20;
    plot.data = calloc(1, plot.form->data_bytes);
    if (plot.data == NULL)
        return report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    session->needs_views = session->needs_views || plot.form->needs_views;
    session_take_signals(session);
    code = session_open_to_read(session, &log);
    if (code == CODE_OK) {
        code = plot.form->gather(&plot);
        if (scan_counts(code))
            code = exit_code_worse(code, show(&plot));
        plot.form->release(&plot);
    }
    free(plot.data);
    text_deinit(&plot.what);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
