/*
 * test_status.c - every status has words; every number gets an answer.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "flume/status.h"
#include "flume/version.h"

static void every_status_has_a_name_and_a_sentence_of_its_own(void **state)
{
    (void)state;
    for (int a = FLUME_ERR_ABSENT; a <= FLUME_END; a++) {
        assert_string_not_equal(flume_status_name(a), "unknown");
        assert_true(strlen(flume_strerror(a)) > 0);
        for (int b = FLUME_ERR_ABSENT; b < a; b++) {
            assert_string_not_equal(flume_status_name(a), flume_status_name(b));
            assert_string_not_equal(flume_strerror(a), flume_strerror(b));
        }
    }
}

static void names_are_lower_case_words(void **state)
{
    (void)state;
    for (int status = FLUME_ERR_ABSENT; status <= FLUME_END; status++) {
        const char *name = flume_status_name(status);

        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    }
}

static void names_that_programs_rely_on_stay(void **state)
{
    (void)state;
    assert_string_equal(flume_status_name(FLUME_OK), "ok");
    assert_string_equal(flume_status_name(FLUME_END), "end");
    assert_string_equal(flume_status_name(FLUME_ERR_DAMAGED), "damaged");
    assert_string_equal(flume_status_name(FLUME_ERR_NOT_FOUND), "not_found");
    assert_string_equal(flume_status_name(FLUME_ERR_TAIL_LOST), "tail_lost");
}

static void a_number_that_is_no_status_is_unknown(void **state)
{
    static const int numbers[] = {2, FLUME_ERR_ABSENT - 1, INT_MAX, INT_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_string_equal(flume_status_name(numbers[i]), "unknown");
        assert_non_null(strstr(flume_strerror(numbers[i]), "unknown"));
    }
}

static void the_version_of_header_and_library_agree(void **state)
{
    char text[32];

    (void)state;
    (void)snprintf(text, sizeof text, "%d.%d.%d", FLUME_VERSION_MAJOR, FLUME_VERSION_MINOR,
                   FLUME_VERSION_PATCH);
    assert_string_equal(flume_version(), text);
    assert_string_equal(flume_version(), FLUME_VERSION);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name_and_a_sentence_of_its_own),
        cmocka_unit_test(names_are_lower_case_words),
        cmocka_unit_test(names_that_programs_rely_on_stay),
        cmocka_unit_test(a_number_that_is_no_status_is_unknown),
        cmocka_unit_test(the_version_of_header_and_library_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
