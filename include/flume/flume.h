/*
 * flume.h - all of the library: an append-only sequence log, and what is derived from it.
 */
#ifndef FLUME_H
#define FLUME_H

#include "flume/blob.h"
#include "flume/board.h"
#include "flume/check.h"
#include "flume/codec.h"
#include "flume/cursor.h"
#include "flume/find.h"
#include "flume/grains.h"
#include "flume/io.h"
#include "flume/lane.h"
#include "flume/log.h"
#include "flume/partial.h"
#include "flume/proof.h"
#include "flume/recall.h"
#include "flume/record.h"
#include "flume/recorder.h"
#include "flume/recorder_rules.h"
#include "flume/schema.h"
#include "flume/scope.h"
#include "flume/scope_batch.h"
#include "flume/scope_find.h"
#include "flume/scope_stage.h"
#include "flume/scope_graph.h"
#include "flume/seal.h"
#include "flume/status.h"
#include "flume/subscribe.h"
#include "flume/version.h"
#include "flume/view.h"

#endif
