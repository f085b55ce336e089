/*
 * scope.h - scopes: variables by name, with typed values, and what they are the same as.
 *
 * A scope maps keys to values. Two scopes are the same if their labels and the variables that count
 * are: same keys, same types, same values. flume_scope_id() is the BLAKE3-256 of just these,
 * whatever the order in which they were set, the thread, the machine, and how a value is stored.
 *
 *   flume_scope *scope;
 *   int n = 100;
 *   double eps = 0.1;
 *   flume_scope_create(&scope);
 *   flume_scope_label(scope, "sweep");
 *   FLUME_CAPTURE(scope, n, eps);
 *
 * What cannot be set (a key that is no UTF-8, a value too large, no memory) is an error of the
 * call, and is remembered: flume_scope_error() tells the first one, and a scope with an error has
 * no id and is not committed. So captures need not be checked one by one.
 *
 * Types are part of a value: 1, 1.0, true and "1" are four values; every NaN is the same as every
 * other; -0.0 is not 0.0; null is not absent. There is no tolerance: round before
 * (flume_round_digits()). Where 1.0 and 1 are to be the same: flume_scope_numbers().
 *
 * Threads: a scope is used by one thread at a time.
 */
#ifndef FLUME_SCOPE_H
#define FLUME_SCOPE_H

#include "flume/find.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_scope flume_scope;

enum {
    /* 1 .. this, UTF-8, no NUL, not beginning with '@', but for "@enclosing", which is a hash
     * (FLUME_RECORDER_CHAIN in recorder.h). */
    FLUME_SCOPE_KEY_BYTES_MAX = 1024,
    FLUME_SCOPE_VARIABLES_MAX = 65535,  /* Labels count too. */
    FLUME_SCOPE_VALUE_BYTES_MAX = 4096, /* Of one inline text, bytes or symbol. Larger: a blob. */
    FLUME_SCOPE_DEPTH_MAX = 16,         /* Of nested JSON. */
    FLUME_SCOPE_ID_TEXT_BYTES = 73      /* "blake3-1:" and 64 hexadecimal digits. */
};

/* Numbers are those of the canonical encoding (views/FORMAT.md). */
enum flume_value_type {
    FLUME_VALUE_NULL = 0,
    FLUME_VALUE_BOOL = 1,
    FLUME_VALUE_INT = 2,  /* Every integer that fits int64_t, of whatever C type. */
    FLUME_VALUE_UINT = 3, /* Only those above INT64_MAX: smaller ones become FLUME_VALUE_INT. */
    FLUME_VALUE_F64 = 4,  /* Every NaN becomes one quiet NaN. */
    FLUME_VALUE_TEXT = 5, /* UTF-8. */
    FLUME_VALUE_BYTES = 6,
    FLUME_VALUE_SYMBOL = 7, /* UTF-8, not the same as the text. */
    FLUME_VALUE_TIME = 8,   /* ns since 1970 UTC, int64_t. */
    FLUME_VALUE_BLOB = 9,   /* By content: hash and length. */
    /* Content that is not kept: its hash. The same as a blob of that hash. */
    FLUME_VALUE_HASH = 10,
    FLUME_VALUE_EMPTY_MAP = 11,
    FLUME_VALUE_EMPTY_LIST = 12
};

typedef struct flume_value {
    enum flume_value_type type;
    union {
        bool boolean;
        int64_t integer; /* INT and TIME. */
        uint64_t natural;
        double real;
        flume_bytes bytes; /* TEXT, BYTES, SYMBOL. Borrowed. */
        struct {
            uint8_t hash[FLUME_HASH_BYTES];
            uint64_t bytes;
        } content; /* BLOB and HASH (bytes is not part of the latter's value). */
    };
} flume_value;

/* What becomes of a variable. Only the first three are part of what a scope is. */
enum flume_variable_class {
    FLUME_CLASS_INLINE = 0, /* The value stands in the scope. */
    FLUME_CLASS_BLOB = 1,   /* The content becomes a blob, the scope has its hash. */
    FLUME_CLASS_HASH = 2,   /* The content is hashed and not kept. */
    /* Recorded, but no part of the scope's identity: times, uuids, hosts. */
    FLUME_CLASS_VOLATILE = 3,
    FLUME_CLASS_IGNORE = 4, /* Not recorded. */
    FLUME_CLASS_UNKNOWN = 5 /* Nobody has said: a commit refuses, and lists all of them. */
};

enum flume_variable_flags {
    /* Not local. Told, but no part of identity; not in flume_scope_local_id(). */
    FLUME_VARIABLE_GLOBAL = 1
};

/* A variable of a scope. Valid until the scope is changed. */
typedef struct flume_variable {
    const char *key;  /* NUL-terminated. */
    const char *type; /* C's name of its type, for messages and validators; "" if not stated. */
    enum flume_variable_class class_;
    unsigned flags; /* enum flume_variable_flags. */
    flume_value value;
    /* CLASS_BLOB and _HASH, while the scope is being made: what value.content is the hash of.
     * Borrowed until the commit. NULL: only the hash is known. */
    const void *content;
    size_t content_bytes;
} flume_variable;

/** An empty scope. @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_scope_create(flume_scope **out_scope);
/** NULL is harmless. */
FLUME_API void flume_scope_destroy(flume_scope *scope);
/** Take out all variables and labels and the error; memory is kept for the next use. */
FLUME_API void flume_scope_clear(flume_scope *scope);
/** A copy of variables and labels; contents stay borrowed. */
FLUME_API int flume_scope_copy(const flume_scope *scope, flume_scope **out_scope);

/**
 * Set a variable, class inline; replaces an earlier one of the key. What is set is copied.
 *
 * @param key  Borrowed for the call.
 * @return FLUME_OK; FLUME_ERR_INVALID (key, or text that is no UTF-8), FLUME_ERR_TOO_LARGE (key,
 *         value, number of variables: the message names key and size and what to do),
 *         FLUME_ERR_NO_MEMORY.
 */
FLUME_API int flume_scope_set(flume_scope *scope, const char *key, const flume_value *value);
/** The same with everything stated. variable->key is the key. */
FLUME_API int flume_scope_set_variable(flume_scope *scope, const flume_variable *variable);
/** Change what becomes of a variable. FLUME_ERR_NOT_FOUND; FLUME_ERR_INVALID (unknown content
 * cannot be made inline). */
FLUME_API int flume_scope_classify(flume_scope *scope, const char *key,
                                   enum flume_variable_class class_);
/** Take a variable out. FLUME_ERR_NOT_FOUND. */
FLUME_API int flume_scope_unset(flume_scope *scope, const char *key);

FLUME_API int flume_scope_set_null(flume_scope *scope, const char *key);
FLUME_API int flume_scope_set_bool(flume_scope *scope, const char *key, bool value);
FLUME_API int flume_scope_set_int(flume_scope *scope, const char *key, int64_t value);
FLUME_API int flume_scope_set_uint(flume_scope *scope, const char *key, uint64_t value);
FLUME_API int flume_scope_set_f64(flume_scope *scope, const char *key, double value);
FLUME_API int flume_scope_set_text(flume_scope *scope, const char *key, const char *text);
FLUME_API int flume_scope_set_bytes(flume_scope *scope, const char *key, const void *data,
                                    size_t data_bytes);
FLUME_API int flume_scope_set_symbol(flume_scope *scope, const char *key, const char *symbol);
FLUME_API int flume_scope_set_time(flume_scope *scope, const char *key, int64_t time_ns);
/** Content as a blob (class blob): hashed now, stored at the commit. Borrowed until then. */
FLUME_API int flume_scope_set_content(flume_scope *scope, const char *key, const char *type,
                                      const void *data, size_t data_bytes);

/* Whether 1.0 and 1 are two values. */
enum flume_number_mode {
    FLUME_NUMBERS_STRICT = 0, /* They are. */
    FLUME_NUMBERS_LOOSE = 1   /* A whole f64 of at most 2^53 becomes an int, -0.0 becomes 0. */
};

/** What becomes of each f64 that is set from now on, in whatever way (captured, from JSON). It
 * changes what a scope is, so it is recorded with it: flume_scope_number_mode() of one that was
 * read tells. It stays when the scope is cleared. @return FLUME_OK, FLUME_ERR_INVALID (no such
 * mode). */
FLUME_API int flume_scope_numbers(flume_scope *scope, enum flume_number_mode mode);
/** What was set; of a scope that was read, as it or one around it was committed. */
FLUME_API enum flume_number_mode flume_scope_number_mode(const flume_scope *scope);

/** How many variables (of every class, labels not counted). */
FLUME_API size_t flume_scope_count(const flume_scope *scope);
/** The variables in byte order of their keys, index 0 .. count - 1. False: there is none. */
FLUME_API bool flume_scope_at(const flume_scope *scope, size_t index, flume_variable *out_variable);
/** One by its key. False: it is not there. */
FLUME_API bool flume_scope_get(const flume_scope *scope, const char *key,
                               flume_variable *out_variable);

/** Add a label (1 .. FLUME_LABEL_BYTES_MAX bytes of UTF-8, no control bytes, not beginning with
 * '@'); again is harmless. */
FLUME_API int flume_scope_label(flume_scope *scope, const char *label);
FLUME_API size_t flume_scope_label_count(const flume_scope *scope);
/** In byte order. NULL: there is none at this index. */
FLUME_API const char *flume_scope_label_at(const flume_scope *scope, size_t index);

/** What went wrong first since it was made or cleared; else why flume_scope_id() refused it last;
 * status FLUME_OK: nothing. */
FLUME_API void flume_scope_error(const flume_scope *scope, flume_error *out_error);
/** All unknown variables, comma-separated, with their types where stated: "a, b (struct x)"; "" if
 * there are none. (A flume_error has room for some only.) *out_text is freed by flume_scope_free().
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_scope_unknown(const flume_scope *scope, char **out_text);

/* ---- identity ---- */

/**
 * BLAKE3-256 over what the scope is: the canonical pairs of classes inline, blob and hash, and
 * labels.
 *
 * @return FLUME_OK; the scope's error; FLUME_ERR_INVALID (unknown variables; all are listed).
 */
FLUME_API int flume_scope_id(flume_scope *scope, uint8_t out_id[FLUME_HASH_BYTES]);
/** The same of inline variables that are local, and the labels. */
FLUME_API int flume_scope_local_id(flume_scope *scope, uint8_t out_id[FLUME_HASH_BYTES]);
/** "blake3-1:" and 64 digits; the number is that of the encoding. */
FLUME_API void flume_scope_id_text(const uint8_t id[FLUME_HASH_BYTES],
                                   char out_text[FLUME_SCOPE_ID_TEXT_BYTES + 1]);

/** A number rounded to so many significant decimal digits (1 .. 17), for keys that would differ by
 * noise. */
FLUME_API double flume_round_digits(double value, unsigned digits);

/* ---- JSON ---- */

/**
 * Set every variable of a JSON object. Nested objects and lists become pointer keys ("a/b/0" for
 * {"a":{"b":[..]}}; "~" and "/" in names are "~0" and "~1"); empty ones stay, as such.
 *
 * Whole numbers that fit 64 bits are integers, those written with a point or an exponent f64. A
 * name that comes twice, or begins with '@' and is none of those below, is refused. Nothing is set
 * then.
 *
 * @return FLUME_OK; FLUME_ERR_INVALID (where and what), FLUME_ERR_TOO_LARGE (depth, size, number).
 */
FLUME_API int flume_scope_from_json(flume_scope *scope, const void *text, size_t text_bytes);

/** The variables (but for unknown and ignored ones) as a JSON object, one line, nested again where
 * their keys allow; the others stand as they are in a member "@keys". What JSON has no type for is
 * {"@uint": "..."}, {"@f64": "nan"}, {"@bytes": base64}, {"@symbol": ..}, {"@time": ns},
 * {"@blob": hex, "@size": n}, {"@hash": hex}. All of it is read back as such; classes, types and
 * labels are not told.
 *
 * @param out_text  NUL-terminated; freed by flume_scope_free(). */
FLUME_API int flume_scope_to_json(const flume_scope *scope, char **out_text);
FLUME_API void flume_scope_free(void *text);

/* ---- capturing C's variables by name ---- */

/*
 * FLUME_CAPTURE(scope, a, b, ...): 1 to 32 variables, each under its own name. bool, every integer
 * type and enum, float and double, char * and const char * are values (a NULL pointer: null; an
 * array of char is its text, up to the NUL that must be there). What else there is (other arrays,
 * structs, other pointers, long double) is of class unknown until it is classified or captured
 * otherwise.
 *
 * FLUME_CAPTURE_ARRAY(scope, pointer, count): a blob of count elements. Borrowed until the commit.
 *
 * What cannot be captured is remembered: flume_scope_error(). C11 or later, not C++.
 */
FLUME_API void flume_capture_bool(flume_scope *scope, const char *key, const char *type, bool v);
FLUME_API void flume_capture_int(flume_scope *scope, const char *key, const char *type, int64_t v);
FLUME_API void flume_capture_uint(flume_scope *scope, const char *key, const char *type,
                                  uint64_t v);
FLUME_API void flume_capture_f64(flume_scope *scope, const char *key, const char *type, double v);
FLUME_API void flume_capture_text(flume_scope *scope, const char *key, const char *type,
                                  const char *v);
FLUME_API void flume_capture_unknown(flume_scope *scope, const char *key, const char *type, ...);
FLUME_API void flume_capture_array(flume_scope *scope, const char *key, const char *type,
                                   const void *data, size_t count, size_t element_bytes);

#ifndef __cplusplus
#define FLUME_TYPE_NAME_(variable) \
    _Generic((variable),                                                                           \
        bool: "bool",                                                                              \
        char: "char",                                                                              \
        signed char: "signed char",                                                                \
        short: "short",                                                                            \
        int: "int",                                                                                \
        long: "long",                                                                              \
        long long: "long long",                                                                    \
        unsigned char: "unsigned char",                                                            \
        unsigned short: "unsigned short",                                                          \
        unsigned: "unsigned",                                                                      \
        unsigned long: "unsigned long",                                                            \
        unsigned long long: "unsigned long long",                                                  \
        float: "float",                                                                            \
        double: "double",                                                                          \
        char *: "char *",                                                                          \
        const char *: "const char *",                                                              \
        long double: "long double",                                                                \
        void *: "void *",                                                                          \
        const void *: "const void *",                                                              \
        int *: "int *",                                                                            \
        double *: "double *",                                                                      \
        float *: "float *",                                                                        \
        const double *: "const double *",                                                          \
        const int *: "const int *",                                                                \
        default: "")

#define FLUME_CAPTURE_ONE_(scope, variable) \
    _Generic((variable),                                                                           \
        bool: flume_capture_bool,                                                                  \
        char: flume_capture_int,                                                                   \
        signed char: flume_capture_int,                                                            \
        short: flume_capture_int,                                                                  \
        int: flume_capture_int,                                                                    \
        long: flume_capture_int,                                                                   \
        long long: flume_capture_int,                                                              \
        unsigned char: flume_capture_uint,                                                         \
        unsigned short: flume_capture_uint,                                                        \
        unsigned: flume_capture_uint,                                                              \
        unsigned long: flume_capture_uint,                                                         \
        unsigned long long: flume_capture_uint,                                                    \
        float: flume_capture_f64,                                                                  \
        double: flume_capture_f64,                                                                 \
        char *: flume_capture_text,                                                                \
        const char *: flume_capture_text,                                                          \
        default: flume_capture_unknown)((scope), #variable, FLUME_TYPE_NAME_(variable), (variable))

#define FLUME_CAPTURE_ARRAY(scope, pointer, count)                                             \
    flume_capture_array((scope), #pointer, FLUME_TYPE_NAME_((pointer)[0]), (pointer), (count), \
                        sizeof(pointer)[0])

/* One after the other, as often as there are names. */
#define FLUME_CAPTURE_1_(scope, a) FLUME_CAPTURE_ONE_(scope, a)
#define FLUME_CAPTURE_2_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_1_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_3_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_2_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_4_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_3_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_5_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_4_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_6_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_5_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_7_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_6_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_8_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_7_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_9_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_8_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_10_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_9_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_11_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_10_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_12_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_11_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_13_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_12_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_14_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_13_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_15_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_14_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_16_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_15_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_17_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_16_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_18_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_17_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_19_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_18_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_20_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_19_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_21_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_20_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_22_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_21_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_23_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_22_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_24_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_23_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_25_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_24_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_26_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_25_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_27_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_26_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_28_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_27_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_29_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_28_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_30_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_29_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_31_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_30_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_32_(scope, a, ...) \
    FLUME_CAPTURE_ONE_(scope, a), FLUME_CAPTURE_31_(scope, __VA_ARGS__)
#define FLUME_CAPTURE_PICK_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, \
                            a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30,  \
                            a31, a32, pick, ...)                                                   \
    pick
#define FLUME_CAPTURE(scope, ...)                                                                 \
    FLUME_CAPTURE_PICK_(                                                                          \
        __VA_ARGS__, FLUME_CAPTURE_32_, FLUME_CAPTURE_31_, FLUME_CAPTURE_30_, FLUME_CAPTURE_29_,  \
        FLUME_CAPTURE_28_, FLUME_CAPTURE_27_, FLUME_CAPTURE_26_, FLUME_CAPTURE_25_,               \
        FLUME_CAPTURE_24_, FLUME_CAPTURE_23_, FLUME_CAPTURE_22_, FLUME_CAPTURE_21_,               \
        FLUME_CAPTURE_20_, FLUME_CAPTURE_19_, FLUME_CAPTURE_18_, FLUME_CAPTURE_17_,               \
        FLUME_CAPTURE_16_, FLUME_CAPTURE_15_, FLUME_CAPTURE_14_, FLUME_CAPTURE_13_,               \
        FLUME_CAPTURE_12_, FLUME_CAPTURE_11_, FLUME_CAPTURE_10_, FLUME_CAPTURE_9_,                \
        FLUME_CAPTURE_8_, FLUME_CAPTURE_7_, FLUME_CAPTURE_6_, FLUME_CAPTURE_5_, FLUME_CAPTURE_4_, \
        FLUME_CAPTURE_3_, FLUME_CAPTURE_2_, FLUME_CAPTURE_1_, 0)                                  \
    (scope, __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif
#endif
