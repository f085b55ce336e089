/*
 * blob_forms.h - the forms of `flume blob`, and what they share: naming a blob, a row for one, and
 * what is said when its bytes cannot be had.
 */
#ifndef REPL_BLOB_FORMS_H
#define REPL_BLOB_FORMS_H

#include "asking.h"
#include "flume/blob.h"
#include "grid.h"

/* What every form is given: the basin is open, its views may be asked, signals are only noted. */
struct blobbing {
    struct session *session;
    struct asking asking;
};

/* The forms. Each returns the code to end with. */
int blob_form_put(struct blobbing *blobbing);
int blob_form_get(struct blobbing *blobbing);
int blob_form_list(struct blobbing *blobbing);
int blob_form_stat(struct blobbing *blobbing);
int blob_form_has(struct blobbing *blobbing);
int blob_form_verify(struct blobbing *blobbing);
int blob_form_unreferenced(struct blobbing *blobbing);
int blob_form_grains(struct blobbing *blobbing);

/** Whether the options of a form fit each other, before the basin is opened. CODE_OK or
 * CODE_USAGE. */
int blob_form_check_put(struct session *session);
int blob_form_check_get(struct session *session);
int blob_form_check_verify(struct session *session);

/* ---- blob_name.c ---- */

/**
 * The blob that an operand names: the beginning of its content's hash, or its name, or any
 * reference to its record.
 *
 * @return CODE_OK, or the code of what was reported.
 */
int blob_name_find(struct blobbing *blobbing, const struct operand *operand,
                   flume_blob_info *out_info);

/** Whether a word can only be a hash, whole or its beginning; *out_digits where its digits
 * begin. */
bool blob_name_is_hash(const char *word, const char **out_digits);

/** Report what the library answered, with what to do about damaged and absent chunks. */
int blob_name_report(struct blobbing *blobbing, int status);

/* ---- blob_row.c ---- */

/** A content's hash: in tables its beginning, which is a reference too. */
void blob_row_hash(struct grid *grid, const uint8_t hash[FLUME_HASH_BYTES]);

/** How much of a file a form reads or writes at a time. */
enum { BLOB_PIECE_BYTES = 1 << 20 };

#endif
