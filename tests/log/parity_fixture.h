/*
 * parity_fixture.h - files in memory with parity over them, damage to them, and what ought to come
 * of it.
 *
 * What ought to be is worked out here from log/FORMAT.md alone: nothing of log/parity_*.c is used
 * but what log/parity.h declares.
 */
#ifndef FLUME_PARITY_FIXTURE_H
#define FLUME_PARITY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "faultio.h"
#include "parity.h"

enum { CELL = PARITY_CELL_BYTES, SPANS_MAX = 4096 };

/* A file. Reading the bytes unreadable_at .. + unreadable_bytes fails. */
struct memory_file {
    struct memory_file *target; /* Where writes go. */
    uint8_t *data;
    uint64_t bytes, capacity;
    uint64_t unreadable_at, unreadable_bytes;
    uint64_t writes;
    uint64_t fail_write; /* The write of this number fails; 0: none. */
};

enum place { PLACE_WITHIN, PLACE_BESIDE };

struct parity_fixture {
    struct parity_settings settings;
    enum place place;
    /* As they were written, as they are, as they were healed. Of a section within the strata file,
     * the second of each is empty. */
    struct memory_file strata_was, section_was;
    struct memory_file strata, section;
    struct memory_file strata_copy, section_copy;
    struct fault_memory memory;
    struct parity_span spans[SPANS_MAX];
    size_t span_count;
    struct parity_report report;
    uint64_t seed; /* Of what chance does; see chance(). */
};

/* cmocka's setup and teardown. */
int parity_setup(void **state);
int parity_teardown(void **state);
#define parity_test(function) \
    cmocka_unit_test_setup_teardown(function, parity_setup, parity_teardown)

/* A strata file of so many bytes (within: its section not counted, and the last 4 KiB are behind
 * the section), and its section. Replaces what was there. */
void make_files(struct parity_fixture *fx, uint64_t bytes, enum place place, unsigned data_cells,
                unsigned parity_cells);

/* As they were written. */
void undo_damage(struct parity_fixture *fx);

/* The file that the section lies in. */
struct memory_file *section_file(struct parity_fixture *fx);
uint64_t section_offset(const struct parity_fixture *fx);

/* Change every one of these bytes; those behind the end are not there to be changed. */
void damage(struct parity_fixture *fx, struct memory_file *file, uint64_t offset, uint64_t bytes);
void cut_file(struct memory_file *file, uint64_t bytes);

/* 0 .. below - 1, by seed. */
uint64_t chance(struct parity_fixture *fx, uint64_t below);

/* memory_file as parity.h takes it. */
struct parity_file file_for(struct memory_file *file, struct memory_file *target);

/* What parity_load() answers for the files as they are. hint_at as there. */
int try_load_at(struct parity_fixture *fx, uint64_t hint_at, struct parity **out_parity);
struct parity *load(struct parity_fixture *fx);

/* Load, copy what is there, and heal into the copies. */
void heal(struct parity_fixture *fx);
/* Load and verify: report and spans. */
void verify(struct parity_fixture *fx);

/* The copies are the files as they were written, and verifying them finds nothing. */
void expect_healed(struct parity_fixture *fx);
void expect_clean(struct parity_fixture *fx);

/* Heal; whatever FORMAT.md says can be healed is as it was, and everything else is as it is, and
 * named. No check may be lost in both copies. Returns how many cells cannot be healed. */
uint64_t expect_what_the_format_allows(struct parity_fixture *fx);

/* Compute the parity cells and checks from the rules and compare the whole section. */
void expect_section_by_the_rules(struct parity_fixture *fx);

#endif
