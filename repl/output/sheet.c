/*
 * sheet.c - a table on its way to the screen (sheet.h).
 *
 * What always holds: cells of complete rows come first in sheet.cells, those of the row that is
 * being given behind them.
 */
#include "sheet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "utf8.h"
#include "value.h"

enum {
    GAP_CELLS = 2,
    CELLS_MAX = 1001,     /* Measured; wider ones are not told apart. */
    TEXT_CELLS_LEAST = 8, /* A text is not cut below this. */
    YEAR_CELLS = 5,       /* "2026-", left out where the terminal is narrow. */
    NARROW_CELLS = 100,
    FOOTER_ROWS_LEAST = 20
};
#define WAIT_NS (100 * NS_PER_MILLISECOND)

/* ---- what is given ---- */

void sheet_begin(struct session *session, const struct sheet_plan *plan)
{
    struct sheet *sheet = &session->sheet;

    assert(plan->column_count > 0 && plan->column_count <= SHEET_COLUMNS_MAX);
    if (sheet->state != SHEET_CLOSED && sheet->plan.columns == plan->columns)
        return;
    (void)sheet_end(session); /* A failure shows when stdout is flushed. */
    sheet->plan = *plan;
    memset(sheet->left_out, 0, sizeof(sheet->left_out));
    sheet->without_year = false;
    sheet->rows = 0;
    sheet->state = SHEET_WAITS;
}

static struct sheet_cell *new_cell(struct sheet *sheet)
{
    size_t capacity = sheet->cell_capacity == 0 ? 64 : sheet->cell_capacity * 2;
    struct sheet_cell *cells = sheet->cells;

    if (sheet->cell_count == sheet->cell_capacity) {
        cells = realloc(cells, capacity * sizeof(*cells));
        if (cells == NULL)
            return NULL;
        sheet->cells = cells;
        sheet->cell_capacity = capacity;
    }
    return &cells[sheet->cell_count++];
}

void sheet_cell(struct session *session, const void *data, size_t bytes, enum sheet_style style)
{
    struct sheet *sheet = &session->sheet;
    struct sheet_cell *cell = new_cell(sheet);

    if (cell == NULL) {
        session->line.failed = true;
        return;
    }
    *cell = (struct sheet_cell){.at = sheet->bytes.bytes, .bytes = bytes, .style = style};
    cell->cells = style == SHEET_TEXT ? utf8_cells(data, bytes, CELLS_MAX) : bytes;
    text_add(&sheet->bytes, data, bytes);
    session->line.failed = session->line.failed || sheet->bytes.failed;
}

/* ---- how wide ---- */

static size_t cells_of(const struct sheet *sheet, const struct sheet_cell *cell)
{
    bool shortened = cell->style == SHEET_TIME && sheet->without_year && cell->cells > YEAR_CELLS;

    return cell->cells - (shortened ? YEAR_CELLS : 0);
}

/* Only columns of texts may be cut. */
static bool may_cut(const struct sheet *sheet, size_t column)
{
    if (sheet->plan.is_whole || sheet->plan.columns[column].is_number)
        return false;
    for (size_t i = column; i < sheet->cell_count; i += sheet->plan.column_count)
        if (sheet->cells[i].style == SHEET_TEXT)
            return true;
    return sheet->cell_count == 0;
}

static size_t total_width(const struct sheet *sheet)
{
    size_t total = 0;

    for (size_t i = 0; i < sheet->plan.column_count; i++)
        if (!sheet->left_out[i])
            total += sheet->widths[i] + (i == 0 ? 0 : GAP_CELLS);
    return total;
}

static size_t column_named(const struct sheet *sheet, const char *name, size_t bytes)
{
    size_t i = 0;

    while (i < sheet->plan.column_count && (strlen(sheet->plan.columns[i].name) != bytes ||
                                            memcmp(sheet->plan.columns[i].name, name, bytes) != 0))
        i++;
    return i;
}

/* What the plan can spare, one after the other. */
static void leave_out(struct sheet *sheet, size_t width)
{
    const char *name = sheet->plan.spare;

    while (name != NULL && *name != '\0' && total_width(sheet) > width) {
        size_t bytes = strcspn(name, " ");
        size_t column = column_named(sheet, name, bytes);

        assert(column > 0 && column + 1 < sheet->plan.column_count);
        sheet->left_out[column] = true;
        name += bytes + strspn(name + bytes, " ");
    }
}

static bool is_empty(const struct sheet *sheet, size_t column)
{
    for (size_t i = column; i < sheet->cell_count; i += sheet->plan.column_count)
        if (sheet->cells[i].bytes > 0)
            return false;
    return true;
}

static void leave_out_empty(struct sheet *sheet)
{
    const char *name = sheet->plan.optional;

    while (name != NULL && *name != '\0') {
        size_t bytes = strcspn(name, " ");
        size_t column = column_named(sheet, name, bytes);

        assert(column > 0 && column + 1 < sheet->plan.column_count);
        sheet->left_out[column] = is_empty(sheet, column);
        name += bytes + strspn(name + bytes, " ");
    }
}

static void measure(struct sheet *sheet, bool is_all)
{
    for (size_t i = 0; i < sheet->plan.column_count; i++) {
        const struct grid_column *column = &sheet->plan.columns[i];
        size_t width = sheet->plan.is_bare ? 0 : strlen(column->name);

        if (!is_all && column->cells > width)
            width = column->cells;
        for (size_t k = i; k < sheet->cell_count; k += sheet->plan.column_count)
            if (cells_of(sheet, &sheet->cells[k]) > width)
                width = cells_of(sheet, &sheet->cells[k]);
        sheet->widths[i] = width;
    }
}

/* How far a text may be cut, by how badly room is needed: the others before the last, which is as a
 * rule the one that says most. */
enum need { NEED_FROM_OTHERS, NEED_FROM_WIDEST };

static size_t least_width(const struct sheet *sheet, size_t column, enum need need)
{
    size_t least = sheet->plan.is_bare ? 0 : strlen(sheet->plan.columns[column].name);

    if (least < TEXT_CELLS_LEAST)
        least = TEXT_CELLS_LEAST;
    if (need == NEED_FROM_WIDEST)
        return least;
    if (column + 1 == sheet->plan.column_count)
        return CELLS_MAX;
    return sheet->plan.columns[column].cells > least ? sheet->plan.columns[column].cells : least;
}

/* A cell at a time from the widest text. False if the rest still does not fit. */
static bool shrink(struct sheet *sheet, size_t width, enum need need)
{
    bool cuttable[SHEET_COLUMNS_MAX];
    size_t total = total_width(sheet);

    for (size_t i = 0; i < sheet->plan.column_count; i++)
        cuttable[i] = may_cut(sheet, i);
    for (; total > width; total--) {
        size_t widest = SHEET_COLUMNS_MAX;

        for (size_t i = 0; i < sheet->plan.column_count; i++)
            if (cuttable[i] && !sheet->left_out[i] &&
                sheet->widths[i] > least_width(sheet, i, need) &&
                (widest == SHEET_COLUMNS_MAX || sheet->widths[i] > sheet->widths[widest]))
                widest = i;
        if (widest == SHEET_COLUMNS_MAX)
            return false;
        sheet->widths[widest]--;
    }
    return true;
}

static void lay_out(struct session *session, bool is_all)
{
    struct sheet *sheet = &session->sheet;
    size_t last = sheet->plan.column_count - 1, total;

    sheet->state = SHEET_AS_TABLE;
    leave_out_empty(sheet);
    measure(sheet, is_all);
    if (!session->width_is_known)
        return;
    if (total_width(sheet) > session->width && session->width < NARROW_CELLS) {
        sheet->without_year = true;
        measure(sheet, is_all);
    }
    if (!shrink(sheet, session->width, NEED_FROM_OTHERS))
        leave_out(sheet, session->width);
    if (!shrink(sheet, session->width, NEED_FROM_WIDEST) && !session->mode_is_chosen) {
        sheet->state = SHEET_AS_LINES;
        sheet->without_year = false;
    }
    total = total_width(sheet);
    /* What comes later may be wider than what was seen. */
    if (!is_all && may_cut(sheet, last) && total < session->width)
        sheet->widths[last] += session->width - total;
}

/* ---- writing ---- */

static void pad(struct text *text, size_t used, size_t cells)
{
    for (size_t i = used; i < cells; i++)
        text_char(text, ' ');
}

static bool write_header(struct session *session)
{
    struct sheet *sheet = &session->sheet;
    struct text *text = &session->line;

    text_string(text, session->out_color ? "\x1b[1m" : "");
    for (size_t i = 0; i < sheet->plan.column_count; i++) {
        const char *name = sheet->plan.columns[i].name;
        bool is_last = i + 1 == sheet->plan.column_count;

        if (sheet->left_out[i])
            continue;
        pad(text, 0, i == 0 ? 0 : GAP_CELLS);
        if (sheet->plan.columns[i].is_number)
            pad(text, strlen(name), sheet->widths[i]);
        text_string(text, name);
        if (!sheet->plan.columns[i].is_number && !is_last)
            pad(text, strlen(name), sheet->widths[i]);
    }
    text_string(text, session->out_color ? "\x1b[0m\n" : "\n");
    return session_emit(session);
}

/* Returns the cells used. */
static size_t add_cell(struct session *session, const struct sheet_cell *cell, size_t cells_max)
{
    const struct sheet *sheet = &session->sheet;
    const char *data = sheet->bytes.data == NULL ? "" : sheet->bytes.data + cell->at;
    struct text *text = &session->line;
    size_t cells = cells_of(sheet, cell);
    bool colored = cell->style == SHEET_SEQ && session->out_color && !sheet->plan.is_bare;

    if (cell->style == SHEET_TEXT)
        return utf8_show(text, data, cell->bytes, cells_max);
    text_string(text, colored ? "\x1b[36m" : "");
    text_add(text, data + cell->bytes - cells, cells);
    text_string(text, colored ? "\x1b[0m" : "");
    return cells;
}

static bool write_as_table(struct session *session, const struct sheet_cell *row)
{
    struct sheet *sheet = &session->sheet;
    struct text *text = &session->line;

    for (size_t i = 0; i < sheet->plan.column_count; i++) {
        bool is_last = i + 1 == sheet->plan.column_count;
        size_t width = sheet->widths[i], used;

        if (sheet->left_out[i])
            continue;
        pad(text, 0, i == 0 ? 0 : GAP_CELLS);
        if (sheet->plan.columns[i].is_number)
            pad(text, cells_of(sheet, &row[i]), width);
        used = add_cell(session, &row[i],
                        session->width_is_known && !sheet->plan.is_whole ? width : 0);
        if (!sheet->plan.columns[i].is_number && !is_last)
            pad(text, used, width);
    }
    while (text->bytes > 0 && text->data[text->bytes - 1] == ' ')
        text->bytes--;
    text_char(text, '\n');
    return session_emit(session);
}

static bool write_as_lines(struct session *session, const struct sheet_cell *row, bool is_first)
{
    struct sheet *sheet = &session->sheet;
    struct text *text = &session->line;
    size_t width = 0;

    for (size_t i = 0; i < sheet->plan.column_count; i++)
        if (strlen(sheet->plan.columns[i].name) > width)
            width = strlen(sheet->plan.columns[i].name);
    text_string(text, is_first ? "" : "\n");
    for (size_t i = 0; i < sheet->plan.column_count; i++) {
        text_string(text, sheet->plan.columns[i].name);
        pad(text, strlen(sheet->plan.columns[i].name), width + GAP_CELLS);
        add_cell(session, &row[i], 0);
        text_char(text, '\n');
    }
    return session_emit(session);
}

/* All complete rows that wait. */
static bool write_rows(struct session *session)
{
    struct sheet *sheet = &session->sheet;
    size_t count = sheet->cell_count / sheet->plan.column_count;
    bool good = true;

    assert(sheet->cell_count % sheet->plan.column_count == 0);
    for (size_t i = 0; i < count && good; i++) {
        const struct sheet_cell *row = sheet->cells + i * sheet->plan.column_count;
        uint64_t number = sheet->rows - count + i;

        if (sheet->state == SHEET_AS_LINES)
            good = write_as_lines(session, row, number == 0);
        else
            good = write_as_table(session, row);
    }
    sheet->cell_count = 0;
    text_clear(&sheet->bytes);
    return good;
}

static bool settle(struct session *session, bool is_all)
{
    struct sheet *sheet = &session->sheet;
    bool good = true;

    if (sheet->state != SHEET_WAITS || sheet->rows == 0)
        return true;
    lay_out(session, is_all);
    if (sheet->state == SHEET_AS_TABLE && !sheet->plan.is_bare)
        good = write_header(session);
    good = good && write_rows(session);
    emit_rows_shown(session);
    return good;
}

bool sheet_is_due(const struct session *session)
{
    return session->sheet.rows != 0 && value_monotonic_ns() - session->sheet.since_ns >= WAIT_NS;
}

bool sheet_settle(struct session *session)
{
    /* In the middle of a row it is not known yet. */
    return session->sheet.plan.column_count == 0 ||
                   session->sheet.cell_count % session->sheet.plan.column_count != 0
               ? true
               : settle(session, false);
}

bool sheet_end_row(struct session *session)
{
    struct sheet *sheet = &session->sheet;

    if (session->line.failed || sheet->cell_count % sheet->plan.column_count != 0)
        return session_emit(session); /* Memory ran out; it says so. */
    if (sheet->rows++ == 0) {
        sheet->since_ns = value_monotonic_ns();
        emit_rows_wait(session);
    }
    if (sheet->state != SHEET_WAITS)
        return write_rows(session);
    if (sheet->rows >= SHEET_ROWS_MAX || sheet->bytes.bytes >= SHEET_BYTES_MAX ||
        sheet_is_due(session))
        return settle(session, false);
    return true;
}

/* How many there were, where that helps: more than one sees at a glance. */
static void note_count(struct session *session)
{
    struct text shown = {0};

    /* Who left the pager, or followed, has not seen all there are. */
    if (!session->out_terminal || !session->error_terminal || session->emit.has_no_end ||
        session->emit.is_closed || session->sheet.rows < FOOTER_ROWS_LEAST)
        return;
    value_show_count(&shown, session->sheet.rows);
    note(session, "%s rows", text_c_string(&shown));
    text_deinit(&shown);
}

bool sheet_end(struct session *session)
{
    struct sheet *sheet = &session->sheet;
    bool good = true;

    if (sheet->state == SHEET_CLOSED)
        return true;
    if (sheet->cell_count % sheet->plan.column_count == 0)
        good = settle(session, true);
    if (good)
        note_count(session);
    sheet->state = SHEET_CLOSED;
    sheet->cell_count = 0;
    text_clear(&sheet->bytes);
    return good;
}

void sheet_deinit(struct sheet *sheet)
{
    free(sheet->cells);
    text_deinit(&sheet->bytes);
    *sheet = (struct sheet){.state = SHEET_CLOSED};
}
