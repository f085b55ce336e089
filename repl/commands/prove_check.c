/*
 * prove_check.c - whether a proof holds, without any basin (prove_check.h).
 */
#include "prove_check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "rows.h"

struct checking {
    struct session *session;
    const char *name; /* Of the proof's file. */
    flume_proof proof;
    flume_consistency consistency;
    bool is_of_roots;
    flume_root known;    /* Of the roots that were given the last one; */
    bool has_known_root; /* there was one. */
};

/* ---- what is given ---- */

static int hex_digit(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = character == '\0' ? NULL
                                          : strchr(digits, character >= 'A' && character <= 'F'
                                                               ? character - 'A' + 'a'
                                                               : character);

    return found == NULL ? -1 : (int)(found - digits);
}

bool prove_parse_root(const char *text, uint8_t out_hash[FLUME_ROOT_BYTES])
{
    uint8_t hash[FLUME_ROOT_BYTES];

    if (strlen(text) != 2 * sizeof(hash))
        return false;
    for (size_t i = 0; i < sizeof(hash); i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out_hash, hash, sizeof(hash));
    return true;
}

/* What a file is called in messages. */
static const char *name_of(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* All of a file; *out_data is valid until input_deinit(), which is called in every case. */
static int read_file(struct session *session, const char *path, size_t bytes_max,
                     struct input *input, const char **out_data, size_t *out_bytes)
{
    const char *name = name_of(path);
    bool is_input = name != path;
    int descriptor = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    enum input_answer answer;
    int status = 0;

    input_init(input, descriptor, INPUT_WHOLE, bytes_max);
    if (descriptor < 0)
        return report(session, ERROR_FILE_UNREADABLE, path, strerror(errno));
    do {
        answer = input_next(input, out_data, out_bytes);
        if (answer == INPUT_EMPTY)
            status = input_fill(input);
    } while (answer == INPUT_EMPTY && status == 0);
    if (!is_input)
        close(descriptor);
    if (status != 0)
        return report(session, ERROR_FILE_UNREADABLE, name, strerror(-status));
    if (answer == INPUT_TOO_LARGE)
        return report(session, ERROR_PROOF_FILE_TOO_LARGE, name, bytes_max >> 20);
    if (answer == INPUT_END || *out_bytes == 0) {
        *out_data = "";
        *out_bytes = 0;
    }
    return CODE_OK;
}

/* ---- reading the proof ---- */

static int parse(struct checking *checking, const char *text, size_t bytes)
{
    flume_error error = {.seq = FLUME_SEQ_NONE};
    enum flume_proof_form form = flume_proof_text_form(text, bytes);
    int status;

    if (form == FLUME_PROOF_FORM_NONE)
        return report(checking->session, ERROR_NOT_A_PROOF, checking->name);
    checking->is_of_roots = form == FLUME_PROOF_FORM_CONSISTENCY;
    if (checking->is_of_roots)
        status = flume_consistency_parse(text, bytes, NULL, &checking->consistency, &error);
    else
        status = flume_proof_parse(text, bytes, NULL, &checking->proof, &error);
    if (status == FLUME_ERR_VERSION || status == FLUME_ERR_NO_MEMORY)
        return report_status(checking->session, status, &error);
    if (status != FLUME_OK)
        return report(checking->session, ERROR_PROOF_UNREADABLE, checking->name, error.message);
    return CODE_OK;
}

/* ---- verifying ---- */

static const flume_consistency *chain_of(const struct checking *checking)
{
    return checking->is_of_roots ? &checking->consistency : &checking->proof.chain;
}

static int report_failure(struct checking *checking, const flume_error *error)
{
    return report(checking->session, ERROR_PROOF_FAILS, checking->name, error->message);
}

static int verify_itself(struct checking *checking)
{
    flume_error error;
    int status = checking->is_of_roots
                     ? flume_consistency_verify(&checking->consistency, NULL, NULL, &error)
                     : flume_proof_verify(&checking->proof, NULL, NULL, 0, &error);

    return status == FLUME_OK ? CODE_OK : report_failure(checking, &error);
}

/* Each root that is given must be one that the proof passes. */
static int compare_roots(struct checking *checking)
{
    const struct invocation *invocation = checking->session->invocation;

    for (size_t i = 0; i < invocation->option_count; i++) {
        const struct option_use *use = &invocation->options[i];
        struct reference_place place = {use->token, use->text_at, 0};
        uint8_t hash[FLUME_ROOT_BYTES];

        if (use->id != OPTION_KNOWN_ROOT)
            continue;
        if (!prove_parse_root(use->text, hash))
            return report_at(checking->session, place, ERROR_NOT_A_ROOT);
        if (flume_consistency_find(chain_of(checking), hash, &checking->known) != FLUME_OK)
            return report_at(checking->session, place, ERROR_ROOT_NOT_PASSED, checking->name);
        checking->has_known_root = true;
    }
    return CODE_OK;
}

static int compare_body(struct checking *checking)
{
    const struct option_use *use =
        invocation_option(checking->session->invocation, OPTION_KNOWN_BODY);
    const char *body = NULL;
    flume_error error;
    struct input input;
    size_t bytes = 0;
    int code;

    if (use == NULL)
        return CODE_OK;
    if (checking->is_of_roots)
        return report_at(checking->session, (struct reference_place){.token = use->token},
                         ERROR_ROOTS_HAVE_NO_BODY);
    code = read_file(checking->session, use->text, FLUME_BODY_BYTES_MAX, &input, &body, &bytes);
    if (code == CODE_OK &&
        flume_proof_verify(&checking->proof, NULL, body, bytes, &error) != FLUME_OK)
        code = report_failure(checking, &error);
    input_deinit(&input);
    return code;
}

/* ---- what it proves ---- */

static const struct grid_column record_columns[] = {
    {"proves", 0, false}, {"seq", 0, true},   {"time", 0, false},    {"kind", 0, false},
    {"labels", 0, false}, {"bytes", 0, true}, {"hash", 0, false},    {"body", 0, false},
    {"root", 0, false},   {"end", 0, true},   {"known_end", 0, true}};

static const struct grid_column roots_columns[] = {{"proves", 0, false}, {"old_root", 0, false},
                                                   {"old_end", 0, true}, {"root", 0, false},
                                                   {"end", 0, true},     {"known_end", 0, true}};

/* The last three of both. */
static void put_roots(struct checking *checking, struct grid *grid)
{
    const flume_consistency *chain = chain_of(checking);

    prove_put_hash(grid, chain->head.hash);
    grid_seq(grid, chain->head.end_seq);
    grid_seq(grid, checking->has_known_root ? checking->known.end_seq : FLUME_SEQ_NONE);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

static void show_roots(struct checking *checking)
{
    struct grid grid;

    grid_init(&grid, checking->session, "consistency_check", roots_columns,
              sizeof(roots_columns) / sizeof(roots_columns[0]));
    grid_make_card(&grid);
    grid_string(&grid, "consistency");
    prove_put_hash(&grid, checking->consistency.from.hash);
    grid_seq(&grid, checking->consistency.from.end_seq);
    put_roots(checking, &grid);
}

static int show_record(struct checking *checking)
{
    struct text kind = {0}, labels = {0};
    flume_record record;
    size_t body_bytes;
    struct grid grid;
    int status = flume_proof_record(&checking->proof, &record, &body_bytes);

    if (status != FLUME_OK) /* Whoever made the root sealed what is no grain. */
        return report_status(checking->session, status, NULL);
    rows_add_kind(&kind, record.kind);
    rows_join_labels_of(&labels, &record);
    grid_init(&grid, checking->session, "proof_check", record_columns,
              sizeof(record_columns) / sizeof(record_columns[0]));
    grid_make_card(&grid);
    grid_string(&grid, "record");
    grid_seq(&grid, record.seq);
    grid_time(&grid, record.time_ns);
    grid_bytes(&grid, kind.data, kind.bytes);
    grid_bytes(&grid, labels.data == NULL ? "" : labels.data, labels.bytes);
    grid_count(&grid, body_bytes);
    prove_put_hash(&grid, checking->proof.leaf);
    prove_put_hash(&grid, checking->proof.body_hash);
    put_roots(checking, &grid);
    text_deinit(&kind);
    text_deinit(&labels);
    return CODE_OK;
}

static int show(struct checking *checking)
{
    int code = CODE_OK;

    if (checking->is_of_roots)
        show_roots(checking);
    else
        code = show_record(checking);
    if (code == CODE_OK && !checking->has_known_root)
        note(checking->session,
             "it holds up to this root; compare it with the one you know, or use --root");
    return code;
}

int prove_check(struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_CHECK_PROOF);
    struct checking checking = {.session = session, .name = name_of(use->text)};
    const char *text = NULL;
    struct input input;
    size_t bytes = 0;
    int code = read_file(session, use->text, FLUME_PROOF_TEXT_BYTES_MAX, &input, &text, &bytes);

    if (code == CODE_OK)
        code = parse(&checking, text, bytes);
    input_deinit(&input);
    if (code == CODE_OK)
        code = verify_itself(&checking);
    if (code == CODE_OK)
        code = compare_roots(&checking);
    if (code == CODE_OK)
        code = compare_body(&checking);
    if (code == CODE_OK)
        code = show(&checking);
    flume_proof_release(&checking.proof);
    flume_consistency_release(&checking.consistency);
    return code;
}
