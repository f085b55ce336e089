/*
 * view_name.h - the views there are: all of them, those that a command means, and what a
 * mistyped name may have meant.
 */
#ifndef REPL_VIEW_NAME_H
#define REPL_VIEW_NAME_H

#include "session.h"

enum view_name_kind { VIEW_NAME_ANY, VIEW_NAME_DECLARED };

/** How all views stand, to be freed by the caller. CODE_OK, or what was reported. */
int view_name_list(struct session *session, flume_view_status **out_list, size_t *out_count);

/** Report that the operand names no view (of this kind). CODE_NO. */
int view_name_refuse(struct session *session, const struct operand *operand,
                     enum view_name_kind kind);

/** Whether the operands of the command name this view; without operands each is meant. */
bool view_name_is_meant(const struct invocation *invocation, const char *name);

/** Report each operand that names none of these views. CODE_OK or CODE_NO. */
int view_name_refuse_unknown(struct session *session, const flume_view_status *list, size_t count);

/** The view that an operand names. CODE_OK, or what was reported. */
int view_name_find(struct session *session, const struct operand *operand, flume_view **out_view);

/** Whether entry `index` is what an earlier version of a view has left: nobody asks it any more. */
bool view_name_is_left_over(const flume_view_status *list, size_t count, size_t index);

/** Why a view stands as it does: an error first, else why it was last made anew. */
const char *view_name_why(const flume_view_status *status);

/** The same, but "" where a view answers as it should and its last making explains nothing. */
const char *view_name_why_now(const flume_view_status *status);

#endif
