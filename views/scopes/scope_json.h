/*
 * scope_json.h - what reading and writing scopes as JSON share.
 *
 * A level of nesting is a part of a key: "a/b/0" for {"a":{"b":[..]}}, with "~0" for '~' and "~1"
 * for '/' in a name. What JSON has no type for is an object with one of the names below.
 */
#ifndef VIEWS_SCOPES_SCOPE_JSON_H
#define VIEWS_SCOPES_SCOPE_JSON_H

#define JSON_NAME_KEYS "@keys" /* At the top only: keys as they are. */
#define JSON_NAME_UINT "@uint"
#define JSON_NAME_F64 "@f64"
#define JSON_NAME_BYTES "@bytes"
#define JSON_NAME_SYMBOL "@symbol"
#define JSON_NAME_TIME "@time"
#define JSON_NAME_BLOB "@blob"
#define JSON_NAME_SIZE "@size" /* Beside @blob. */
#define JSON_NAME_HASH "@hash"

#define JSON_BASE64_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

#endif
