/*
 * mode.c - the forms that rows are written in (mode.h).
 */
#include "mode.h"

#include <stddef.h>

const char *const mode_names[MODE_COUNT + 1] = {
    [MODE_TABLE] = "table", [MODE_PLAIN] = "plain", [MODE_JSON] = "json", [MODE_NDJSON] = "ndjson",
    [MODE_CSV] = "csv",     [MODE_TSV] = "tsv",     [MODE_RAW] = "raw",   [MODE_HEX] = "hex",
    [MODE_LINE] = "line",   [MODE_MD] = "md",
};

const char *mode_name(enum output_mode mode)
{
    return (unsigned)mode < MODE_COUNT ? mode_names[mode] : NULL;
}

bool mode_is_json(enum output_mode mode)
{
    return mode == MODE_JSON || mode == MODE_NDJSON;
}
