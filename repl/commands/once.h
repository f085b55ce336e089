/*
 * once.h - `flume run`: a command that is run once, and replayed from then on.
 *
 * What is recorded of a run, in this order:
 *   - what it wrote: its standard output, its standard error and each declared file is a blob each,
 *     unless it is empty;
 *   - the scope, committed by the recorder: what was given by --scope and --label, and what run
 *     adds to it (once_scope.c);
 *   - the result, remembered under that scope with the name ONCE_NAME: a JSON object
 *     (once_result.c) that says how the command ended and which blobs these are.
 * A result that is there is whole: it is the last record, and refers to earlier ones alone.
 */
#ifndef REPL_ONCE_H
#define REPL_ONCE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "flume/blob.h"
#include "flume/recall.h"
#include "scope_forms.h"

#define ONCE_NAME "flume run"

/* What the commands that flume run has started are told: the digits of the addresses that are held
 * for them, the outermost first, with colons between. */
#define ONCE_VARIABLE "FLUME_RUN"

enum { ONCE_OUT, ONCE_ERROR, ONCE_STREAMS };
enum {
    ONCE_PIECE_BYTES = 256 << 10,
    ONCE_PIECES_MAX = 4096,
    ONCE_RESULT_BYTES_MAX = 128 << 20 /* As many files as a scope can name are less. */
};

/* A content that was recorded: a blob, or nothing. */
struct once_content {
    uint64_t bytes;
    uint8_t hash[FLUME_HASH_BYTES];
};

/* --in FILE, as it was when it was hashed. */
struct once_input {
    const char *path; /* Borrowed. */
    uint8_t hash[FLUME_HASH_BYTES];
    struct stat seen;
};

/* --out FILE. */
struct once_output {
    const char *path; /* Borrowed. */
    bool was_there;   /* Before the command ran: */
    struct stat seen;
};

/* A declared file as it was recorded. */
struct once_file {
    char *name; /* Owned. */
    mode_t mode;
    struct once_content content;
};

/* How a run ended, and what it wrote. All zero: nothing yet. */
struct once_result {
    int exit_code; /* 128 + the signal that ended it. */
    uint64_t ns;   /* That it took. */
    struct once_content streams[ONCE_STREAMS];
    /* Bytes of stdout, then of stderr, then of stdout again ...: in the order in which they came.
     * What is left behind the last one is stdout's, then stderr's. */
    uint64_t pieces[ONCE_PIECES_MAX];
    size_t piece_count;
    struct once_file *files;
    size_t file_count;
};

/* One `flume run`. */
struct once {
    struct session *session;
    struct scoping scoping; /* Its asking waits for views. */
    flume_scope *scope;
    flume_recorder *recorder;
    char held[FLUME_HASH_TEXT_BYTES + 1]; /* The digits of the address that is held. */
    char **argv;    /* The command's words, NULL behind the last. They are the invocation's. */
    int input_file; /* What --in - has read, at its beginning; -1: nothing. */
    struct once_input *inputs;
    size_t input_count;
    struct once_output *outputs;
    size_t output_count;
};

/* ---- once_scope.c ---- */

/** What the run is the same as: the scope, inputs and outputs. CODE_OK, or the code of what was
 * reported. */
int once_scope_make(struct once *once);
/** Whether a file of --in is not what it was when it was hashed: its name, or NULL. */
const char *once_scope_changed(struct once *once);

/* ---- once_child.c ---- */

/* A command that runs. */
struct once_child {
    pid_t process;
    int descriptor;            /* A pidfd: readable when it has ended. */
    int streams[ONCE_STREAMS]; /* What it writes; read without waiting. */
};

/** Start the command. Where flume is killed, so is it.
 * @return CODE_OK, or the code of what was reported: CODE_NOT_FOUND, CODE_NOT_RUN, CODE_IO. */
int once_child_start(struct once *once, struct once_child *out_child);
/** How it ended, as waitpid() says it. Waits for that. */
int once_child_end(struct once_child *child);

/* ---- once_tee.c ---- */

/* Why what was written is not all that the command writes. */
enum once_gap {
    ONCE_WHOLE,
    ONCE_NOT_READ,  /* Who read flume's output went away. */
    ONCE_LEFT_OPEN, /* A process that the command has left behind may write more. */
    ONCE_NOT_SHOWN, /* Flume's output could not be written, which was reported. */
    ONCE_NOT_STORED /* The basin did not take it, which was reported. */
};

/** Run the command: show what it writes as it comes, and record it.
 * @param out_result  exit_code, ns, streams and pieces are set.
 * @return CODE_OK, or as once_child_start(). */
int once_tee(struct once *once, struct once_result *out_result, enum once_gap *out_gap);

/* ---- once_files.c ---- */

/** Before the command runs: what is there of what it is to write. CODE_OK, or what was reported. */
int once_files_look(struct once *once);
/** Record each declared file. CODE_OK, or the code of what was reported: one is missing. */
int once_files_store(struct once *once, struct once_result *io_result);
/** Put each file where it was declared, all or none. CODE_OK, or the code of what was reported. */
int once_files_restore(struct once *once, const struct once_result *result);

/* ---- once_result.c ---- */

/** As JSON. False without memory. */
bool once_result_write(const struct once_result *result, struct text *target);
/** False: it is no such object, or there is no memory. */
bool once_result_read(const void *json, size_t json_bytes, struct once_result *out_result);
void once_result_deinit(struct once_result *result);

/* ---- once_replay.c ---- */

/** Give what was recorded: files, then what was written to stdout and stderr.
 * @return CODE_OK, CODE_PIPE_CLOSED, or the code of what was reported. */
int once_replay(struct once *once, const struct once_result *result);

/** Write all of it. 0 or -errno. */
int once_write(int descriptor, const void *data, size_t bytes);

#endif
