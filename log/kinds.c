/*
 * kinds.c - names of the kinds and codecs that flume itself knows. The names are stable.
 */
#include "flume/codec.h"
#include "flume/record.h"

static const char *const kind_names[] = {
    [FLUME_KIND_MESSAGE] = "message", [FLUME_KIND_MANIFEST] = "manifest",
    [FLUME_KIND_LOST] = "lost",       [FLUME_KIND_BOOKMARK] = "bookmark",
    [FLUME_KIND_SCOPE] = "scope",     [FLUME_KIND_LINK] = "link",
    [FLUME_KIND_BLOB] = "blob",       [FLUME_KIND_PUT] = "put",
    [FLUME_KIND_DELETE] = "delete",   [FLUME_KIND_RECYCLE] = "recycle",
    [FLUME_KIND_ERASE] = "erase",     [FLUME_KIND_PRUNE] = "prune",
    [FLUME_KIND_COMMIT] = "commit",   [FLUME_KIND_VIEW] = "view",
    [FLUME_KIND_CHUNK] = "chunk",     [FLUME_KIND_VALUE] = "value",
    [FLUME_KIND_SCHEMA] = "schema",
};

static const char *const codec_names[] = {
    [FLUME_CODEC_RAW] = "raw",
    [FLUME_CODEC_TEXT] = "text",
    [FLUME_CODEC_JSON] = "json",
};

const char *flume_kind_name(unsigned kind)
{
    return kind < sizeof kind_names / sizeof kind_names[0] ? kind_names[kind] : NULL;
}

const char *flume_codec_name(unsigned number)
{
    return number < sizeof codec_names / sizeof codec_names[0] ? codec_names[number] : NULL;
}
