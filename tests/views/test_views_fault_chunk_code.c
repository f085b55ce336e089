/*
 * test_views_fault_chunk_code.c - where zstd gets no memory, a chunk is neither stored nor read by
 * half, and later is.
 *
 * The calls of zstd that allocate are wrapped (tests/CMakeLists.txt): libzstd's own calls of malloc
 * cannot be.
 */
#include "find_fixture.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "chunk_code.h"

enum { CONTENT_BYTES = 300 << 10 };

static unsigned calls_left; /* The next ones work; then one does not. */

static bool is_refused(void)
{
    if (calls_left == 0)
        return true;
    calls_left--;
    return false;
}

ZSTD_CCtx *__real_ZSTD_createCCtx(void);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void);
ZSTD_DCtx *__real_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);
size_t __real_ZSTD_compress2(ZSTD_CCtx *context, void *target, size_t target_bytes,
                             const void *source, size_t source_bytes);
size_t __wrap_ZSTD_compress2(ZSTD_CCtx *context, void *target, size_t target_bytes,
                             const void *source, size_t source_bytes);
size_t __real_ZSTD_decompressDCtx(ZSTD_DCtx *context, void *target, size_t target_bytes,
                                  const void *source, size_t source_bytes);
size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *context, void *target, size_t target_bytes,
                                  const void *source, size_t source_bytes);

ZSTD_CCtx *__wrap_ZSTD_createCCtx(void)
{
    return is_refused() ? NULL : __real_ZSTD_createCCtx();
}

ZSTD_DCtx *__wrap_ZSTD_createDCtx(void)
{
    return is_refused() ? NULL : __real_ZSTD_createDCtx();
}

/* zstd's codes of errors are negative sizes. */
static size_t no_memory(void)
{
    return (size_t)-ZSTD_error_memory_allocation;
}

size_t __wrap_ZSTD_compress2(ZSTD_CCtx *context, void *target, size_t target_bytes,
                             const void *source, size_t source_bytes)
{
    return is_refused()
               ? no_memory()
               : __real_ZSTD_compress2(context, target, target_bytes, source, source_bytes);
}

size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *context, void *target, size_t target_bytes,
                                  const void *source, size_t source_bytes)
{
    return is_refused()
               ? no_memory()
               : __real_ZSTD_decompressDCtx(context, target, target_bytes, source, source_bytes);
}

static void a_lack_of_memory_is_told_and_goes_by(void **state)
{
    uint8_t *content = calloc(1, CONTENT_BYTES), *target = malloc(CONTENT_BYTES);
    uint8_t *body = malloc(CHUNK_HEADER_BYTES + CONTENT_BYTES);
    uint8_t hash[FLUME_HASH_BYTES];
    struct chunk_coder coder;
    size_t body_bytes = 0, bytes = 0;
    unsigned refused = 0;
    int status = FLUME_ERR_NO_MEMORY;

    (void)state;
    assert_true(content != NULL && target != NULL && body != NULL);
    chunk_coder_init(&coder, 0);
    flume_hash(content, CONTENT_BYTES, hash);
    for (unsigned allowed = 0; status != FLUME_OK; allowed++) {
        calls_left = allowed;
        status = chunk_encode(&coder, content, CONTENT_BYTES, hash, body, &body_bytes);
        assert_true(status == FLUME_OK || (status == FLUME_ERR_NO_MEMORY && body_bytes == 0));
        refused += status != FLUME_OK;
    }
    /* Refused in turn: the context, three of the four samples (the context is kept, so that one
     * more call is left for them), the whole. It was never stored as it is for want of memory. */
    assert_int_equal(refused, 5);
    assert_true(body_bytes < CONTENT_BYTES / 100);
    status = FLUME_ERR_NO_MEMORY;
    for (unsigned allowed = 0; status != FLUME_OK; allowed++) {
        calls_left = allowed;
        status = chunk_decode(&coder, body, body_bytes, hash, target, CONTENT_BYTES, &bytes);
        assert_true(status == FLUME_OK || (status == FLUME_ERR_NO_MEMORY && bytes == 0));
    }
    assert_memory_equal(target, content, CONTENT_BYTES);
    chunk_coder_deinit(&coder);
    free(content);
    free(target);
    free(body);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lack_of_memory_is_told_and_goes_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
