/*
 * run_help.c - `flume help` and `flume version`.
 */
#include <string.h>

#include <jansson.h>

#include "grid.h"
#include "help.h"
#include "object.h"
#include "run.h"
#include "suggest.h"

static int refuse_topic(struct session *session, const struct operand *operand)
{
    struct suggestion suggestion;
    const struct report_detail detail = {.place = {.token = operand->token},
                                         .suggestion = &suggestion};

    suggest_begin(&suggestion, "", operand->text, strlen(operand->text));
    for (enum command_id id = 0; id < COMMAND_COUNT; id++)
        if (!command_of(id)->is_hidden)
            suggest_offer(&suggestion, command_of(id)->name);
    for (unsigned i = 0; help_topic_name(i) != NULL; i++)
        suggest_offer(&suggestion, help_topic_name(i));
    return report_with(session, &detail, ERROR_NO_TOPIC);
}

/* What was put together, as text or as an object. */
static int print_help(struct session *session, struct text *help, const char *topic)
{
    if (session->json) {
        object_begin(&session->line, "help");
        object_string(&session->line, "topic", topic);
        object_bytes(&session->line, "text", help->data, help->bytes);
        object_end(&session->line);
        (void)session_emit(session); /* A failure shows when stdout is flushed. */
    } else {
        text_add(&session->line, help->data, help->bytes);
        (void)session_emit_text(session); /* Likewise. */
    }
    return CODE_OK;
}

int run_help(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    bool asked_here = invocation_has(invocation, OPTION_HELP) ||
                      invocation_has(invocation, OPTION_USAGE);
    const struct operand *operand = invocation->operand_count == 0 ? NULL
                                                                   : &invocation->operands[0];
    const struct command *command = asked_here ? invocation->command : NULL;
    const char *topic = "overview";
    struct text help = {0};
    int code = CODE_OK;

    if (!asked_here && operand != NULL) {
        topic = operand->text;
        command = command_find(topic, strlen(topic));
    }
    if (command != NULL && asked_here && !invocation_has(invocation, OPTION_HELP))
        help_options(&help, command);
    else if (command != NULL)
        help_command(&help, command);
    else if (asked_here || operand == NULL)
        help_overview(&help, session->shell == NULL ? HELP_OUTSIDE : HELP_AT_PROMPT);
    else if (!help_topic(&help, topic))
        code = refuse_topic(session, operand);
    if (session->shell != NULL)
        help_at_prompt(&help);
    if (code == CODE_OK)
        code = print_help(session, &help, command != NULL ? command->name : topic);
    text_deinit(&help);
    return code;
}

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

#ifdef NDEBUG
#define ASSERTIONS "off"
#else
#define ASSERTIONS "on"
#endif

int run_version(struct session *session)
{
    static const struct grid_column columns[] = {{"version", 0, false},    {"library", 0, false},
                                                 {"format", 0, true},      {"compiler", 0, false},
                                                 {"assertions", 0, false}, {"jansson", 0, false}};
    struct grid grid;

    grid_init(&grid, session, "version", columns, sizeof(columns) / sizeof(columns[0]));
    grid_make_card(&grid);
    grid_string(&grid, FLUME_VERSION);
    grid_string(&grid, flume_version());
    grid_count(&grid, FLUME_FORMAT_VERSION);
    grid_string(&grid, COMPILER);
    grid_string(&grid, ASSERTIONS);
    grid_string(&grid, JANSSON_VERSION);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}
