/*
 * sealed_damage.h - a damage fixture whose oldest strata are sealed, and where the parts of a
 * sealed file lie.
 *
 * The basin is that of damage_fixture.h; strata 0 .. sealed_count - 1 are sealed, with small
 * blocks, so that there are many. Only internals that write and name are used; nothing of check or
 * repair.
 */
#ifndef FLUME_SEALED_DAMAGE_H
#define FLUME_SEALED_DAMAGE_H

#include "damage_fixture.h"
#include "sealed_file.h"

enum { SEALED_COUNT = 3 };

/* A sealed file, whole in memory, with its pages decoded. */
struct sealed_parts {
    uint8_t *bytes;
    uint64_t count;
    struct strata_header header;
    struct sealed_footer footer;
};

/* cmocka's setup: *state is a struct damage_fixture. The last strata stays raw. */
int sealed_setup(void **state);

/* The same with parity in the files: one cell of five may be lost. */
int sealed_parity_setup(void **state);

/* The same with more strata behind those, of bodies that do not shrink, sealed too. */
int sealed_random_setup(void **state);

/* Another basin: a strata of 768 KiB that is sealed with a dictionary and is read by several calls,
 * and a raw one behind it. */
int sealed_dictionary_setup(void **state);

/* The same with parity in the file. */
int sealed_dictionary_parity_setup(void **state);

/* An io table for fx->io in which one page of a strata never reads: -EIO. Its files are as they
 * are. */
struct bad_medium {
    flume_io io;
    char name[64]; /* Of the strata file. */
    uint64_t at;
    int file;
};

void bad_medium_use(struct damage_fixture *fx, struct bad_medium *medium, size_t index,
                    uint64_t at);

#define sealed_test(function) \
    cmocka_unit_test_setup_teardown(function, sealed_setup, damage_teardown)

/* A test whose basin has only raw strata. */
#define damage_test(function) \
    cmocka_unit_test_setup_teardown(function, damage_setup, damage_teardown)

void sealed_parts_read(struct damage_fixture *fx, size_t index, struct sealed_parts *out_parts);
void sealed_parts_release(struct sealed_parts *parts);

/* Write the bytes back as the file of a strata, as long as they are. */
void sealed_parts_write(struct damage_fixture *fx, size_t index, const struct sealed_parts *parts);

/* A block's entry in the index, by its number. */
struct sealed_block_entry sealed_parts_block(const struct sealed_parts *parts, uint32_t number);

/* Encode the footer page anew from parts->footer; with a header from parts->header. */
void sealed_parts_forge(struct sealed_parts *parts);

/* Seq behind the last record of a block. */
uint64_t sealed_parts_block_end(const struct sealed_parts *parts, uint32_t number);

#endif
