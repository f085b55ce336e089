/*
 * keys.h - characters from the terminal, and whole pieces of text that are pasted.
 *
 * What is not UTF-8, and NUL, becomes U+FFFD, as a line is text; other control characters are keys,
 * but inside a paste (between the terminal's marks) they are only characters. From the terminal no
 * more is read than is needed, so that a command which reads it gets what is typed behind its line;
 * only inside a paste reading goes on up to its end.
 */
#ifndef REPL_KEYS_H
#define REPL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "text.h"

/* All zero: nothing was typed. */
struct keys {
    struct text ahead;  /* Bytes of a character that is not complete, or read behind a paste, */
    size_t ahead_at;    /* from here on. */
    bool types_newline; /* The next character is the newline of a pasted line. */
    struct text pasted; /* Not taken yet, */
    size_t pasted_at;   /* from here on. */
    size_t replaced;    /* So many U+FFFD stand for other bytes. */
};

/** Read a byte, which must be there. False if the terminal is gone. */
bool keys_fill(struct keys *keys);

/** The next character, if it is complete. */
bool keys_next(struct keys *keys, wchar_t *out);

/** The terminal's mark of a paste has come: read up to the mark of its end. A signal (its
 * descriptor) ends that, and so does Ctrl-C with nothing behind it, which is then the next
 * character; nothing was pasted. */
void keys_read_paste(struct keys *keys, int stop_descriptor);

/** Whether something pasted is left. */
bool keys_has_pasted(const struct keys *keys);

/** Its next line, without the newline, which is then the next character. Freed by the caller; NULL
 * without memory. */
wchar_t *keys_take_pasted(struct keys *keys);

/** Nothing was typed or pasted. */
void keys_clear(struct keys *keys);
void keys_deinit(struct keys *keys);

#endif
