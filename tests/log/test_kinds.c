/*
 * test_kinds.c - the kinds and codecs of flume have names, others have none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>

#include "flume/codec.h"
#include "flume/record.h"

static void the_kinds_of_flume_have_names(void **state)
{
    (void)state;
    for (unsigned kind = FLUME_KIND_MESSAGE; kind <= FLUME_KIND_SCHEMA; kind++)
        assert_non_null(flume_kind_name(kind));
    assert_string_equal(flume_kind_name(FLUME_KIND_MESSAGE), "message");
    assert_string_equal(flume_kind_name(FLUME_KIND_LOST), "lost");
    assert_string_equal(flume_kind_name(FLUME_KIND_VIEW), "view");
}

static void other_kinds_have_none(void **state)
{
    (void)state;
    assert_null(flume_kind_name(FLUME_KIND_ANY));
    assert_null(flume_kind_name(FLUME_KIND_SCHEMA + 1));
    assert_null(flume_kind_name(FLUME_KIND_USER));
    assert_null(flume_kind_name(UINT_MAX));
}

static void built_in_codecs_have_names(void **state)
{
    (void)state;
    assert_string_equal(flume_codec_name(FLUME_CODEC_RAW), "raw");
    assert_string_equal(flume_codec_name(FLUME_CODEC_TEXT), "text");
    assert_string_equal(flume_codec_name(FLUME_CODEC_JSON), "json");
    assert_null(flume_codec_name(FLUME_CODEC_JSON + 1));
    assert_null(flume_codec_name(FLUME_CODEC_USER));
    assert_null(flume_codec_name(UINT_MAX));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kinds_of_flume_have_names),
        cmocka_unit_test(other_kinds_have_none),
        cmocka_unit_test(built_in_codecs_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
