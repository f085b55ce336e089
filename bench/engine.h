/*
 * engine.h - one face for flume, its peers and the raw limit, so that the same loops drive all.
 *
 * An adapter is a file engine_NAME.c that defines one or more struct engine_type. An engine holds
 * records of one size, numbered by the order of append. Where the way an engine is used matters,
 * the adapter chooses what is quickest for it while it stays comparable, and says so at the top.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stddef.h>
#include <stdint.h>

enum engine_durability {
    ENGINE_DURABLE_LATER =
        0,                /* Nothing is synced before append returns; no profile is asked for. */
    ENGINE_DURABLE_NEVER, /* flume: forgetful. Others: as LATER. */
    ENGINE_DURABLE_EACH   /* Append returns when the record survives a power cut. */
};

enum engine_space {
    ENGINE_SPACE_FRESH = 0, /* As the engine finds it. */
    ENGINE_SPACE_STEADY,    /* flume: grown to strata of full size. Others: as FRESH. */
    ENGINE_SPACE_TOUCHED    /* raw: every page of the mapping written to beforehand. */
};

struct engine_setting {
    const char *dir_path;         /* An existing directory of its own. Borrowed until close. */
    size_t body_bytes;            /* Of every record. */
    uint64_t records_max;         /* No more will be appended. */
    uint64_t transaction_records; /* Where there are transactions: records in each; 0: one. */
    enum engine_durability durability;
    enum engine_space space;
};

struct engine_type;

/* The first member of every adapter's own struct. */
struct engine {
    const struct engine_type *type;
};

struct engine_type {
    const char *name;
    const char *package;          /* What to install where it is missing; NULL: always there. */
    const char *(*version)(void); /* NULL: none to tell. */
    int may_share;                /* Non-zero: append may be called by several threads at once. */

    /* All return 0, or -1 after bench_fail() has said why. */
    int (*open)(const struct engine_setting *setting, struct engine **out_engine);
    int (*append)(struct engine *engine, const void *body, size_t body_bytes);
    /* count bodies of the same size, stride_bytes apart. NULL: there is no such call. */
    int (*append_many)(struct engine *engine, const void *bodies, size_t stride_bytes, size_t count,
                       size_t body_bytes);
    /* Everything appended can be read by others. NULL: it always can. */
    int (*finish)(struct engine *engine);

    /* Readers add body_sum() of what they read. */
    /* What get wants for record number index. NULL: the number itself. */
    uint64_t (*locate)(struct engine *engine, uint64_t index);
    int (*get)(struct engine *engine, uint64_t place, uint64_t *io_sum);
    /* The same for count places at once. NULL: there is no such call. */
    int (*get_many)(struct engine *engine, const uint64_t *places, size_t count, uint64_t *io_sum);
    int (*scan)(struct engine *engine, uint64_t *io_count, uint64_t *io_sum);

    void (*close)(struct engine *engine); /* NULL is harmless. */
};

extern const struct engine_type engine_raw;    /* memcpy and one atomic store into a mapping. */
extern const struct engine_type engine_pwrite; /* pwrite and fdatasync; one thread. */
extern const struct engine_type engine_group;  /* pwrite and fdatasync, shared by threads. */
extern const struct engine_type engine_flume;

/* Peers: their type if they were found when this was built, else one with only name and package. */
extern const struct engine_type *const engine_lmdb;
extern const struct engine_type *const engine_leveldb;
extern const struct engine_type *const engine_rocksdb;
extern const struct engine_type *const engine_sqlite;

/** Whether it can be opened here. */
static inline int engine_is_there(const struct engine_type *type)
{
    return type->open != NULL;
}

/** Make a basin of flume in a directory, grown to strata of full size and closed again; its path,
 * malloc'd, or NULL after bench_fail(). */
char *engine_flume_basin(const char *dir_path);

/** dir_path/name, malloc'd; NULL after bench_fail(). */
char *engine_path(const char *dir_path, const char *name);

#endif
