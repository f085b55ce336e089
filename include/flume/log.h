/*
 * log.h - the sequence log of a basin: open, append, read one, sync, close.
 *
 * A basin is a directory, by convention NAME.flume/; the log in it is a dense sequence of records,
 * seq 0, 1, 2, ... Any number of processes may have it open at once, all reading and appending.
 *
 * Which function on which thread:
 *
 *   function                                          | may be called
 *   --------------------------------------------------|------------------------------------------
 *   flume_log_open                                    | any thread
 *   flume_log_close                                   | any thread, once, when no other call on the
 *                                                     |   handle runs; not from a callback
 *   append*, sync, get*, head, durable, stat, envelope,| any thread, also at once, also from
 *     error, codec_*                                  |   subscription callbacks
 *   flume_cursor_*                                    | any thread, one at a time per cursor
 *     except flume_cursor_cancel                      |   any thread, also while next() waits
 *   flume_subscribe                                   | any thread
 *   flume_unsubscribe                                 | any thread, also from its own callback
 *   subscription callbacks                            | run on the subscription's own thread
 *   log callback (options.log)                        | runs on any thread that meets something
 *   flume_check, flume_repair                         | any thread; no handle needed
 *   flume_record_*, flume_strerror, ...               | any thread
 *
 * After fork() the child's copy of a handle answers FLUME_ERR_FORKED to every call except close,
 * which frees its memory and descriptors and touches nothing else.
 */
#ifndef FLUME_LOG_H
#define FLUME_LOG_H

#include "flume/codec.h"
#include "flume/io.h"
#include "flume/record.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_log flume_log;
struct flume_seal_options; /* seal.h */

/* What a power cut may take. A process that dies, even by SIGKILL, never loses what it appended. */
enum flume_profile {
    FLUME_PROFILE_DEFAULT = 0,   /* casual. */
    FLUME_PROFILE_FORGETFUL = 1, /* Synced when a strata is full and at close. */
    FLUME_PROFILE_CASUAL = 2,    /* Synced within a second. */
    FLUME_PROFILE_SAFE = 3,      /* Synced before an append returns; callers share a sync. Opening
                                    to write looks at every strata's header and footer. */
    FLUME_PROFILE_PARANOID = 4   /* As safe, with the tail gate each time, and read back. Opening to
                                    write reads and verifies everything. */
};

enum flume_io_mode {
    FLUME_IO_AUTO = 0,   /* Mapped where the file system allows it and nothing syncs each append. */
    FLUME_IO_MAPPED = 1, /* Stores into a shared mapping. FLUME_ERR_INVALID where that is unsafe. */
    FLUME_IO_PWRITE = 2  /* A system call an append. */
};

enum flume_open_flags {
    FLUME_OPEN_CREATE = 1,    /* Make the basin if the path does not exist or is empty. */
    FLUME_OPEN_READ_ONLY = 2, /* Never append. Enough permission to read suffices. */
    FLUME_OPEN_EXCLUSIVE = 4  /* No other process: else FLUME_ERR_BUSY, here or there. */
};

enum flume_log_level { FLUME_LOG_INFO = 1, FLUME_LOG_WARNING = 2, FLUME_LOG_ERROR = 3 };

enum {
    FLUME_STRATA_BYTES_MIN = 64 << 10,
    FLUME_STRATA_BYTES_DEFAULT = 64 << 20,
    FLUME_STRATA_BYTES_MAX = 1 << 30
};

/* Zero is the documented default everywhere. Strings are copied. */
typedef struct flume_log_options {
    unsigned flags;             /* enum flume_open_flags. */
    enum flume_profile profile; /* 0: casual. */
    enum flume_io_mode io_mode; /* 0: auto. */
    uint64_t strata_bytes;      /* Full size of a strata; fixed at creation; a multiple of 4 KiB
                                    from 64 KiB to 1 GiB. 0: 64 MiB, or what the basin has. */
    uint64_t lock_timeout_ns;   /* How long to wait for another process. 0: 5 s. */
    const char *program;        /* For the manifest. NULL: the process's name. */
    const char *build;          /* For the manifest: version, commit. NULL: none. */
    const char *const *labels;  /* For the manifest. */
    size_t label_count;
    const struct flume_seal_options *seal; /* How strata are sealed (seal.h). NULL: all defaults. */
    size_t cache_bytes;        /* For blocks of sealed strata, unpacked; what records in use keep
                                    comes on top. 0: 16 MiB. */
    const flume_codec *codecs; /* Registered before the manifest is written. */
    size_t codec_count;
    const flume_allocator *allocator; /* NULL: malloc. Copied. */
    const flume_io *io;               /* NULL: POSIX. Borrowed until close. */
    /* What has no caller to be told: what recovery cut, what is waited for, keys made out of
     * data. */
    void (*log)(void *log_ctx, enum flume_log_level level, const char *message);
    void *log_ctx;
} flume_log_options;

/**
 * Open, and with FLUME_OPEN_CREATE make, a basin's log.
 *
 * The path ":memory:" makes a basin in memory that ends with its handle.
 *
 * A torn tail (what a power cut left half-written) is cut off, its bytes kept in lost+found/, and
 * reported through options->log and flume_log_stat(). Damage is never cut: the log opens, the
 * damaged records answer FLUME_ERR_DAMAGED, and where it forbids appending, append says so. The
 * careful profiles look first and refuse to write to a damaged log: safe at how the strata follow
 * each other, paranoid at every byte, as flume_check() does.
 *
 * @param out_log    Receives the handle; untouched on error. Closed by flume_log_close().
 * @param path       Directory. Copied.
 * @param options    NULL: an existing basin, all defaults. Borrowed (see io).
 * @param out_error  Receives the detail on error. May be NULL.
 * @return FLUME_OK; FLUME_ERR_NO_BASIN (path missing, or no basin there), FLUME_ERR_BUSY
 *         (exclusive, or attaching took longer than lock_timeout_ns), FLUME_ERR_VERSION,
 *         FLUME_ERR_ACCESS, FLUME_ERR_TAIL_LOST and FLUME_ERR_DAMAGED (to write under safe and
 *         paranoid; read-only opens), FLUME_ERR_IO, FLUME_ERR_FULL, FLUME_ERR_NO_MEMORY,
 *         FLUME_ERR_INVALID.
 * Threads: any. Blocks on file I/O; does not depend on the size of the log, except to write under
 * safe (a page or two of each strata) and paranoid (all of it).
 */
FLUME_API int flume_log_open(flume_log **out_log, const char *path,
                             const flume_log_options *options, flume_error *out_error);

/**
 * End a handle: stops its subscriptions, makes what it appended durable, writes the tail gate.
 *
 * @param log  NULL is harmless. Freed whatever is returned, except FLUME_ERR_INVALID.
 * @return FLUME_OK, what the last sync answered, or FLUME_ERR_INVALID if called from a
 *         subscription's callback (nothing happens then).
 */
FLUME_API int flume_log_close(flume_log *log);

/**
 * Append one message: bytes, stamped now.
 *
 * Readers in every process see it once this returns, and it survives the death of this process.
 * It survives a power cut as the profile says, or after flume_log_sync().
 *
 * @param body        Copied before return.
 * @param body_bytes  0 .. FLUME_BODY_BYTES_MAX.
 * @param out_seq     Receives the seq. Untouched on error. May be NULL.
 * @return FLUME_OK; FLUME_ERR_TOO_LARGE, FLUME_ERR_FULL, FLUME_ERR_BUSY (a living process has held
 *         the log for lock_timeout_ns; it is named), FLUME_ERR_POISONED, FLUME_ERR_DAMAGED (the
 *         active strata is damaged: repair), FLUME_ERR_READ_ONLY, FLUME_ERR_IO, FLUME_ERR_FORKED.
 *         On error the log ends where it ended before, except that under safe and paranoid a
 *         failed sync (IO, POISONED) leaves it open whether the record will be there.
 */
FLUME_API int flume_log_append(flume_log *log, const void *body, size_t body_bytes,
                               uint64_t *out_seq);

/* What must hold for a conditional append; every set bit of `check` is tested under the lock. */
enum flume_condition_check {
    FLUME_IF_HEAD = 1, /* head == condition.head: nobody has appended since. */
    FLUME_IF_LAST = 2  /* the last record of condition.kind is condition.last (or NONE). */
};
typedef struct flume_condition {
    unsigned check; /* enum flume_condition_check. */
    uint64_t head;
    uint64_t last; /* FLUME_SEQ_NONE: there is none yet. */
    uint8_t kind;
} flume_condition;

/**
 * Append records as one: readers and recovery see all of them or none, also when together they are
 * larger than a strata.
 *
 * A writer's manifest goes before its first record, so condition.head is the head before that.
 * Records that state no time get one and the same: that of the call.
 *
 * @param entries        Borrowed, and all they point to.
 * @param entry_count    0 appends nothing and gives the current head.
 * @param condition      NULL: none.
 * @param out_first_seq  Receives the first one's seq; the others follow it. May be NULL.
 * @return As flume_log_append(), and FLUME_ERR_CONFLICT.
 */
FLUME_API int flume_log_append_many(flume_log *log, const flume_entry *entries, size_t entry_count,
                                    const flume_condition *condition, uint64_t *out_first_seq);

/** Append one record with labels, kind, codec, time. As flume_log_append_many() with one entry. */
FLUME_API int flume_log_append_entry(flume_log *log, const flume_entry *entry, uint64_t *out_seq);

/** Seq of the newest record of a kind; *out_seq is FLUME_SEQ_NONE if there is none. For
 * FLUME_IF_LAST. Who opened to read only looks for it in the log while one is being appended. */
FLUME_API int flume_log_last(flume_log *log, unsigned kind, uint64_t *out_seq);

/**
 * Wait until a record, and all before it, survive a power cut.
 *
 * @param seq  The record; FLUME_SEQ_NONE: everything appended so far.
 * @return FLUME_OK once durable > seq; FLUME_ERR_NOT_FOUND if no such record yet;
 *         FLUME_ERR_POISONED after a failed sync; FLUME_ERR_IO; FLUME_ERR_READ_ONLY.
 * Concurrent callers in all processes share one fdatasync.
 */
FLUME_API int flume_log_sync(flume_log *log, uint64_t seq);

/**
 * Read one record, verified.
 *
 * @param out_record  To be released with flume_record_release(); valid until then, or until close
 *                    (flume_record_keep()). Untouched on error.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (seq >= head); FLUME_ERR_DAMAGED (strata, seq and offset in
 *         the detail); FLUME_ERR_LOST (a repair could not restore it).
 */
FLUME_API int flume_log_get(flume_log *log, uint64_t seq, flume_record *out_record);

/**
 * Read several records, verified, in whatever order. Where they lie apart this is several times as
 * quick as one by one: the memory of all of them is asked for before any is waited for.
 *
 * @param seqs         seq_count of them; the same may stand twice.
 * @param out_records  seq_count places; the first *out_count are set, each as by flume_log_get().
 * @param out_count    How many were read: all, or those before the first that could not be.
 * @return FLUME_OK, or what flume_log_get() answers for seqs[*out_count]; FLUME_ERR_INVALID (NULL).
 */
FLUME_API int flume_log_get_many(flume_log *log, const uint64_t *seqs, size_t seq_count,
                                 flume_record *out_records, size_t *out_count);

/** The seq that the next record will get. 0 for a NULL or forked handle. */
FLUME_API uint64_t flume_log_head(flume_log *log);

/** The head that a power cut cannot take back. */
FLUME_API uint64_t flume_log_durable(flume_log *log);

/* What recovery found when the log was opened. All zero: nothing to tell. */
typedef struct flume_recovery {
    bool torn;            /* A torn tail was cut. */
    bool damaged;         /* Damage was found (and left as it is). */
    uint64_t head;        /* Where the log ended afterwards. */
    uint64_t cut_bytes;   /* Bytes behind it, saved in lost+found/. */
    uint64_t cut_strata;  /* Whole strata moved to lost+found/. */
    uint64_t damaged_seq; /* The first damaged record met, or FLUME_SEQ_NONE. */
} flume_recovery;

typedef struct flume_log_stat_info {
    uint64_t head, durable;
    uint64_t strata_count;
    uint64_t sealed_count;                /* Of them. */
    uint64_t strata_bytes;                /* Full size of a strata in this basin. */
    uint64_t used_bytes;                  /* Of records, headers included. */
    uint64_t allocated_bytes;             /* On disk, log/ as a whole. */
    uint64_t first_time_ns, last_time_ns; /* 0 if empty. */
    uint64_t created_ns;                  /* The basin. */
    uint8_t basin_id[16];
    unsigned attached; /* Processes (handles) attached, this one included. */
    uint64_t appended_records, appended_bytes, sync_count; /* By this handle. */
    enum flume_profile profile;
    enum flume_io_mode io_mode;         /* MAPPED or PWRITE as in force. */
    bool read_only, poisoned, observer; /* observer: without write permission, polling. */
    flume_recovery recovery;
} flume_log_stat_info;

FLUME_API int flume_log_stat(flume_log *log, flume_log_stat_info *out_stat);

/* Who is attached to a basin. */
typedef struct flume_attached {
    uint64_t pid;
    uint64_t started_ns; /* When it attached, wall clock. */
    char program[32];
    char host[64];
    bool read_only, exclusive, self;
} flume_attached;

/** The processes attached, at most max of them. @return how many there are, or an error. */
FLUME_API int flume_log_attached(flume_log *log, flume_attached *out_attached, size_t max);

enum { FLUME_MANIFEST_LABELS_MAX = 16 };

/* A writer's manifest. Strings are NUL-terminated and freed by flume_manifest_release(). */
typedef struct flume_manifest {
    uint64_t seq;
    uint64_t time_ns;
    uint64_t pid;
    const char *host, *user, *program, *build; /* Never NULL; may be "". */
    const char *labels[FLUME_MANIFEST_LABELS_MAX];
    size_t label_count;
    void *memory; /* Internal. */
} flume_manifest;

/** The manifest of the writer of a record: who appended it, when that writer started, with what.
 * @return as flume_log_get(). */
FLUME_API int flume_log_envelope(flume_log *log, uint64_t seq, flume_manifest *out_manifest);
FLUME_API void flume_manifest_release(flume_manifest *manifest);

/** Append a value through its codec. As flume_log_append_entry(), with entry->body ignored and
 * entry->codec naming a registered codec that can encode. */
FLUME_API int flume_log_append_value(flume_log *log, const flume_entry *entry, const void *value,
                                     uint64_t *out_seq);

/** A record's body as a value, by its codec. *out_value is freed by flume_value_release().
 * FLUME_ERR_NOT_FOUND: no such codec is registered on this handle, or it cannot decode. */
FLUME_API int flume_record_decode(flume_log *log, const flume_record *record, void **out_value);
FLUME_API void flume_value_release(flume_log *log, unsigned codec, void *value);

/** Name of a codec as registered on this handle or built in; NULL if neither. Valid until close. */
FLUME_API const char *flume_log_codec_name(flume_log *log, unsigned number);

/** The detail of the last error on this handle, of any thread. Copied out. */
FLUME_API void flume_log_error(flume_log *log, flume_error *out_error);

/** The basin's path as opened. Valid until close. */
FLUME_API const char *flume_log_path(flume_log *log);

#ifdef __cplusplus
}
#endif
#endif
