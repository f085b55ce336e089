/*
 * glyphs.c - small drawings made of characters (glyphs.h).
 */
#include "glyphs.h"

#include <math.h>

#include "utf8.h"

enum { LEVELS = 8, LANE_LEVELS = 6 };

/* Index 0 is nothing at all. */
static const char *const block_levels[LEVELS + 1] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const ascii_levels[LEVELS + 1] = {".", "_", "-", "=", "+", "*", "%", "#", "@"};
static const char *const block_parts[LEVELS + 1] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
/* None, 1, 2 .. 9, 10 .. 99, 100 .. 999, more. */
static const char *const block_counts[LANE_LEVELS] = {"·", "▁", "▃", "▅", "▆", "█"};
static const char *const ascii_counts[LANE_LEVELS] = {".", "_", "-", "+", "*", "#"};

void glyphs_sparkline(struct text *target, const double *values, size_t count)
{
    const char *const *levels = utf8_locale() ? block_levels : ascii_levels;
    double largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = values[i] > largest ? values[i] : largest;
    for (size_t i = 0; i < count; i++) {
        size_t level = values[i] > 0 ? (size_t)ceil(values[i] / largest * LEVELS) : 0;

        text_string(target, levels[level > LEVELS ? LEVELS : level]);
    }
}

void glyphs_bar(struct text *target, double part, size_t cells)
{
    bool unicode = utf8_locale();
    size_t steps = unicode ? LEVELS : 1, all = cells * steps;
    size_t filled = !(part > 0) ? 0 : part >= 1 ? all : (size_t)(part * (double)all);

    if (part > 0 && filled == 0)
        filled = 1;
    if (part < 1 && filled == all && all > 0)
        filled = all - 1;
    for (size_t i = 0; i < cells; i++) {
        size_t here = filled > i * steps ? filled - i * steps : 0;

        here = here > steps ? steps : here;
        text_string(target, unicode ? block_parts[here] : here > 0 ? "#" : " ");
    }
}

void glyphs_lane(struct text *target, const uint64_t *counts, size_t count)
{
    const char *const *levels = utf8_locale() ? block_counts : ascii_counts;

    for (size_t i = 0; i < count; i++) {
        size_t level = counts[i] == 0 ? 0 : counts[i] == 1 ? 1 : 2;

        for (uint64_t least = 10; level >= 2 && level + 1 < LANE_LEVELS && counts[i] >= least;
             least *= 10)
            level++;
        text_string(target, levels[level]);
    }
}

const char *glyphs_lane_legend(void)
{
    return utf8_locale() ? "· 0   ▁ 1   ▃ 2+   ▅ 10+   ▆ 100+   █ 1,000+"
                         : ". 0   _ 1   - 2+   + 10+   * 100+   # 1,000+";
}
