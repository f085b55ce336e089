/*
 * seal_dictionary.h - a zstd dictionary for one strata, if it pays.
 */
#ifndef FLUME_SEAL_DICTIONARY_H
#define FLUME_SEAL_DICTIONARY_H

#include "seal_source.h"

/*
 * Train a dictionary on samples of the strata and try it on others of them.
 *
 * @param out_dictionary  Receives it, owned by the caller; NULL: none pays.
 * @return FLUME_OK, also where there is none; FLUME_ERR_NO_MEMORY, FLUME_ERR_IO.
 */
int seal_dictionary_make(struct seal_source *source, uint32_t block_bytes, int level,
                         uint8_t **out_dictionary, size_t *out_bytes);

#endif
