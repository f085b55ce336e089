/*
 * test_line.c - what a line of the command language becomes (repl/shell/line.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "line.h"
#include "text.h"

static void parse(const char *source, struct line *out)
{
    line_parse(source, strlen(source), out);
}

/* The line is a command (or dot-command) of these words; NULL ends them. */
static void expect_words(const char *source, enum line_form form, const char *const *words)
{
    struct line line;
    int count = 0;

    parse(source, &line);
    if (line.form != form)
        fail_msg("form %d: %s", (int)line.form, source);
    while (words[count] != NULL)
        count++;
    assert_int_equal(line.argc, count + 1);
    assert_string_equal(line.argv[0], "flume");
    for (int i = 0; i < count; i++)
        assert_string_equal(line.argv[i + 1], words[i]);
    assert_null(line.argv[line.argc]);
    line_release(&line);
}

#define EXPECT(source, ...) \
    expect_words(source, LINE_COMMAND, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_DOT(source, ...) \
    expect_words(source, LINE_DOT, (const char *const[]){__VA_ARGS__, NULL})

static void expect_refused(const char *source, size_t at, const char *cause)
{
    struct line line;

    parse(source, &line);
    if (line.form != LINE_REFUSED)
        fail_msg("not refused: %s", source);
    assert_string_equal(line.fault.cause, cause);
    assert_int_equal(line.fault.at, at);
    assert_true(strlen(line.fault.remedy) > 0);
    assert_int_equal(line.argc, 0);
    line_release(&line);
}

static void expect_wanting(const char *source, const char *what, size_t at)
{
    struct line line;

    parse(source, &line);
    if (line.form != LINE_WANTING)
        fail_msg("not wanting: %s", source);
    assert_string_equal(line.wanting, what);
    assert_int_equal(line.fault.at, at);
    line_release(&line);
}

static void expect_target(const char *source, int argc, enum line_target target, const char *text)
{
    struct line line;

    parse(source, &line);
    assert_int_equal(line.form, LINE_COMMAND);
    assert_int_equal(line.argc, argc);
    assert_int_equal(line.target, target);
    assert_string_equal(line.target_text, text);
    line_release(&line);
}

static void expect_form(const char *source, enum line_form form)
{
    struct line line;

    parse(source, &line);
    assert_int_equal(line.form, form);
    line_release(&line);
}

static void words_are_separated_by_blanks(void **state)
{
    (void)state;
    EXPECT("log", "log");
    EXPECT("  log \t -n  5 ", "log", "-n", "5");
    EXPECT("log -n 5\r", "log", "-n", "5");
    EXPECT("get a\rb", "get", "a\rb");
    EXPECT("append caf\xc3\xa9 \xff", "append", "caf\xc3\xa9", "\xff");
    expect_form("", LINE_EMPTY);
    expect_form(" \t \r", LINE_EMPTY);
    EXPECT("append a;b $HOME *", "append", "a;b", "$HOME", "*");
}

static void quotes_make_one_word(void **state)
{
    (void)state;
    EXPECT("append 'a  b'", "append", "a  b");
    EXPECT("append ''", "append", "");
    EXPECT("append a'b c'd\"e f\"", "append", "ab cde f");
    EXPECT("append '\\n \"'", "append", "\\n \"");
    EXPECT("append \"\\\"\\\\\\n\\t\\r\"", "append", "\"\\\n\t\r");
    EXPECT("append \"\\d+ $x `y`\"", "append", "\\d+ $x `y`");
    EXPECT("append a\\ b \\'c \\\\ \\| \\>", "append", "a b", "'c", "\\", "|", ">");
    EXPECT("append 'two\nlines'", "append", "two\nlines");
    EXPECT("append \"two\r\nlines\"\r", "append", "two\r\nlines");
}

static void json_is_one_word(void **state)
{
    (void)state;
    EXPECT("append {\"a\": [1, 2], \"b c\": \"}|>'#\\\"\"} -l x", "append",
           "{\"a\": [1, 2], \"b c\": \"}|>'#\\\"\"}", "-l", "x");
    EXPECT("append []", "append", "[]");
    EXPECT("append {\n  \"a\": 1\n}", "append", "{\n  \"a\": 1\n}");
    EXPECT("log --grep [0-9]+x", "log", "--grep", "[0-9]+x");
    EXPECT("append a{b c}", "append", "a{b", "c}");
    expect_target("append {\"a|b\":1} | wc", 3, TARGET_PIPE, "wc");
    expect_refused("append {\"a\": 1]", 14, "this bracket does not close the one before it");
}

static void comments_end_a_line(void **state)
{
    (void)state;
    expect_form("# nothing", LINE_EMPTY);
    expect_form("   # 'nothing", LINE_EMPTY);
    EXPECT("log # | wc", "log");
    EXPECT("append a#b '#c' \\#d", "append", "a#b", "#c", "#d");
}

static void a_heredoc_is_one_word(void **state)
{
    (void)state;
    EXPECT("append -l n <<END\na 'b\n\n| c\nEND", "append", "-l", "n", "a 'b\n\n| c");
    EXPECT("append <<E_1\nE_1", "append", "");
    EXPECT("append <<E\n\nE", "append", "");
    EXPECT("append <<E\n\n\nE", "append", "\n");
    EXPECT("append <<E\n E\nE \nE\n", "append", " E\nE ");
    EXPECT("append <<E\r\na\r\nb\rc\r\nE\r\n", "append", "a\nb\rc");
    EXPECT("append <<E\na\r\nE", "append", "a\r");
    EXPECT("append 'x\ny' <<E\nz\nE", "append", "x\ny", "z");
    expect_refused("append << END", 7, "<< needs the name of an end");
    expect_refused("append <<ABCDEFGHIJKLMNOP", 7, "<< needs the name of an end");
    expect_refused("append <<E | wc", 11, "nothing follows << and its name");
    expect_refused("append < file", 7, "< does not read a file here");
}

static void an_end_that_is_missing_is_wanted(void **state)
{
    (void)state;
    expect_wanting("append 'a", "quote", 7);
    expect_wanting("append x\"a\n'", "quote", 8);
    expect_wanting("append [1,\n[2]", "json", 7);
    expect_wanting("append {\"a", "json", 7);
    expect_wanting("append <<END", "END", 7);
    expect_wanting("append <<END\nEND2\n", "END", 7);
    expect_wanting("log > 'a", "quote", 6);
}

static void output_goes_elsewhere(void **state)
{
    (void)state;
    expect_target("log | grep -c 'x | y' # z", 2, TARGET_PIPE, "grep -c 'x | y' # z");
    expect_target("log|wc", 2, TARGET_PIPE, "wc");
    expect_target("log | wc -l\r", 2, TARGET_PIPE, "wc -l");
    expect_target("log > a\r", 2, TARGET_FILE, "a");
    expect_target("log > a.txt", 2, TARGET_FILE, "a.txt");
    expect_target("log >'a b'", 2, TARGET_FILE, "a b");
    expect_target("log>>a\\ b # c", 2, TARGET_FILE_APPEND, "a b");
    EXPECT("append '|' \">\" a\\|b", "append", "|", ">", "a|b");
    expect_refused("log |", 4, "a command is missing behind |");
    expect_refused("| wc", 0, "a command is missing before this");
    expect_refused("> f", 0, "a command is missing before this");
    expect_refused("log >", 4, "a file is missing behind >");
    expect_refused("log > # f", 4, "a file is missing behind >");
    expect_refused("log > f g", 8, "nothing follows the file behind >");
    expect_refused("log > f | wc", 8, "nothing follows the file behind >");
    expect_refused("log > f > g", 8, "nothing follows the file behind >");
}

static void the_first_character_says_the_form(void **state)
{
    struct line line;

    (void)state;
    EXPECT_DOT(".mode json", ".mode", "json");
    EXPECT_DOT(".", ".");
    EXPECT("./a.flume log", "./a.flume", "log");
    EXPECT("../a.flume log", "../a.flume", "log");
    EXPECT("'.mode'", ".mode");
    EXPECT("append !x", "append", "!x");
    parse(" !ls | wc 'x", &line);
    assert_int_equal(line.form, LINE_SHELL);
    assert_string_equal(line.target_text, "ls | wc 'x");
    line_release(&line);
    parse("!ls\r", &line);
    assert_string_equal(line.target_text, "ls");
    line_release(&line);
    expect_refused("!", 0, "a command is missing behind !");
    expect_refused("!  ", 0, "a command is missing behind !");
}

static void what_cannot_be_a_line_is_refused(void **state)
{
    struct line line;

    (void)state;
    expect_refused("append a\\", 8, "a character is missing behind \\");
    expect_refused("append a\\\r", 8, "a character is missing behind \\");
    expect_refused("append a\nlog", 9, "here another line begins");
    line_parse("log\0x", 5, &line);
    assert_int_equal(line.form, LINE_REFUSED);
    assert_int_equal(line.fault.at, 3);
    line_release(&line);
}

static void places_lead_back_to_the_source(void **state)
{
    const char *source = "get 'a b'\\\\c \"x\\ty\" <<E\nz\nE";
    struct line line;

    (void)state;
    parse(source, &line);
    assert_int_equal(line.argc, 5);
    assert_int_equal(line.words[2].at, 4);
    assert_int_equal(line.words[2].bytes, 8);
    assert_int_equal(line_place(source, &line, 2, 0), 5);
    assert_int_equal(line_place(source, &line, 2, 2), 7);
    assert_int_equal(line_place(source, &line, 2, 3), 9);
    assert_int_equal(line_place(source, &line, 2, 4), 11);
    assert_int_equal(line_place(source, &line, 2, 5), 12);
    assert_int_equal(line_place(source, &line, 3, 1), 15);
    assert_int_equal(line_place(source, &line, 3, 2), 17);
    assert_int_equal(line_place(source, &line, 3, 3), 18);
    assert_int_equal(line_place(source, &line, 4, 0), 20);
    line_release(&line);
    parse("get !x 'a\nb' c", &line);
    assert_int_equal(line_place("get !x 'a\nb' c", &line, 2, 1), 5);
    assert_int_equal(line_place("get !x 'a\nb' c", &line, 3, 2), 10);
    line_release(&line);
}

static void quoted_words_are_read_back(void **state)
{
    static const char *const words[] = {
        "",       "a",    "a b",   "'",           "\"",         "it's \"x\"",
        "\\",     "a\\n", "\n",    "\r\n\t",      "{a",         "[1]",
        "#x",     "<<E",  "!x",    "a|b",         "a>b",        "\x01\x7f\xff",
        "last~2", "*",    "$HOME", "caf\xc3\xa9", "{\"a\": 1}", "' \\"};
    struct text quoted = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        text_clear(&quoted);
        text_string(&quoted, "append ");
        line_quote(&quoted, words[i], strlen(words[i]));
        text_string(&quoted, " x");
        EXPECT(text_c_string(&quoted), "append", words[i], "x");
    }
    text_clear(&quoted);
    line_quote(&quoted, "last~2", 6);
    assert_string_equal(text_c_string(&quoted), "last~2");
    text_deinit(&quoted);
}

/* A line of 16 MB: as one word, as JSON, as many words. Time and memory are in proportion. */
static void large_lines_are_taken(void **state)
{
    const size_t bytes = (size_t)16 << 20;
    char *source = malloc(bytes + 32);
    struct line line;

    (void)state;
    assert_non_null(source);
    memcpy(source, "append ", 7);
    memset(source + 7, 'x', bytes);
    line_parse(source, bytes + 7, &line);
    assert_int_equal(line.argc, 3);
    assert_int_equal(strlen(line.argv[2]), bytes);
    line_release(&line);
    memset(source + 7, '[', bytes / 2);
    memset(source + 7 + bytes / 2, ']', bytes / 2);
    line_parse(source, bytes + 7, &line);
    assert_int_equal(line.argc, 3);
    line_release(&line);
    for (size_t i = 7; i < bytes + 7; i++)
        source[i] = i % 2 == 0 ? ' ' : 'x';
    line_parse(source, bytes + 7, &line);
    assert_int_equal(line.form, LINE_REFUSED);
    line_release(&line);
    line_parse(source, 400000, &line);
    assert_int_equal(line.form, LINE_COMMAND);
    assert_int_equal(line.argc, 199999);
    line_release(&line);
    free(source);
}

/* Half a million pieces of one heredoc: were each looked at more than once, this would take
 * hours. */
static void a_line_is_gathered_piece_by_piece(void **state)
{
    struct line_gather *gather = line_gather_create();
    size_t pieces = 500000, bytes;
    struct line line;

    (void)state;
    assert_non_null(gather);
    assert_int_equal(line_gather_add(gather, "append <<END", 12), LINE_WANTING);
    for (size_t i = 0; i < pieces; i++)
        assert_int_equal(line_gather_add(gather, "{\"a\": 'x'}", 10), LINE_WANTING);
    assert_int_equal(line_gather_add(gather, "END", 3), LINE_COMMAND);
    assert_non_null(line_gather_source(gather, &bytes));
    assert_int_equal(bytes, 12 + pieces * 11 + 4);
    line_gather_take(gather, &line);
    assert_int_equal(line.argc, 3);
    assert_int_equal(strlen(line.argv[2]), pieces * 11 - 1);
    line_release(&line);
    assert_int_equal(line_gather_add(gather, "log -n 1", 8), LINE_COMMAND);
    assert_memory_equal(line_gather_source(gather, &bytes), "log -n 1", 8);
    line_gather_take(gather, &line);
    assert_int_equal(line.argc, 4);
    line_release(&line);
    line_gather_destroy(gather);
    line_gather_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_separated_by_blanks),
        cmocka_unit_test(quotes_make_one_word),
        cmocka_unit_test(json_is_one_word),
        cmocka_unit_test(comments_end_a_line),
        cmocka_unit_test(a_heredoc_is_one_word),
        cmocka_unit_test(an_end_that_is_missing_is_wanted),
        cmocka_unit_test(output_goes_elsewhere),
        cmocka_unit_test(the_first_character_says_the_form),
        cmocka_unit_test(what_cannot_be_a_line_is_refused),
        cmocka_unit_test(places_lead_back_to_the_source),
        cmocka_unit_test(quoted_words_are_read_back),
        cmocka_unit_test(large_lines_are_taken),
        cmocka_unit_test(a_line_is_gathered_piece_by_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
