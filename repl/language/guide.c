/*
 * guide.c - what is told of each command besides its syntax (guide.h).
 */
#include "guide.h"

#include <assert.h>

#include "exit_code.h"

#define RECORD "seq,time,labels,kind,codec,bytes,enc,payload,hash"
#define MARK "name,seq,time,record,state,labels,note"
#define BLOB "hash,seq,time,bytes,chunks,media_type,name,labels"
#define SCOPE "seq,time,verdict,of,extends,count,labels,variables"
#define SCOPE_TAPE "seq,time,verdict,of,extends,enclosing,labels,batch,tare,variables"
#define SCOPE_DIFFERENCE "key,state,value,other"
#define LABEL_COUNTS "count,bytes,first,last"
#define STATUS "view,version,state,at,lag,lag_bytes,entries,disk,rate"
#define STRATA "first,records,form,grain_bytes,file_bytes,ratio,blocks,sealed,root"
#define FINDING "kind,first,last,file,offset,bytes,action,message"

#define STALE                                                 \
    {                                                         \
        CODE_STALE, "a view is behind, and --timeout is over" \
    }
#define AMBIGUOUS                                         \
    {                                                     \
        CODE_AMBIGUOUS, "a hash's beginning fits several" \
    }
#define NOT_FOUND                            \
    {                                        \
        CODE_NO, "a reference names nothing" \
    }
#define NOTHING                      \
    {                                \
        CODE_NO, "nothing was found" \
    }
#define DAMAGED                                                   \
    {                                                             \
        CODE_DAMAGED, "a record is damaged; the others are shown" \
    }
#define BUSY                                                                \
    {                                                                       \
        CODE_BUSY, "another process holds the basin, and --timeout is over" \
    }

const struct guide guide_table[COMMAND_COUNT] = {
    [COMMAND_INIT] = {.group = GUIDE_WRITE,
                      .rows = {{"", "path,basin,format,strata_bytes"}},
                      .codes = {{CODE_NO, "it is there already"}}},
    [COMMAND_INFO] = {.group = GUIDE_LOOK,
                      .rows = {{"",
                                "path,basin,format,head,durable,used_bytes,allocated_bytes,"
                                "strata,sealed,strata_bytes,created,first,last,attached,damaged"}}},
    [COMMAND_APPEND] = {.group = GUIDE_WRITE,
                        .rows = {{"", "seq,bytes,labels"}},
                        .codes = {{CODE_NO, "--after: R is not the last record any more"},
                                  {CODE_PARTIAL, "some were appended, some not"},
                                  BUSY}},
    [COMMAND_GET] = {.group = GUIDE_READ,
                     .rows = {{"", RECORD},
                              {"--meta", RECORD ",strata,offset,writer"},
                              {"--path", "seq,path,value"}},
                     .codes = {NOT_FOUND,
                               {CODE_PARTIAL, "some are there, some not"},
                               DAMAGED,
                               STALE,
                               AMBIGUOUS}},
    [COMMAND_LOG] = {.group = GUIDE_READ,
                     .rows = {{"", RECORD}},
                     .codes = {NOTHING, DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_TAIL] = {.group = GUIDE_READ,
                      .rows = {{"", RECORD}},
                      .codes = {NOT_FOUND,
                                DAMAGED,
                                {CODE_STALE, "the log lacks what a cursor file remembers"},
                                {CODE_INTERRUPTED, "Ctrl-C, after -f"}}},
    [COMMAND_SUBSCRIBE] = {.group = GUIDE_READ,
                           .rows = {{"", RECORD}},
                           .codes = {{CODE_INTERRUPTED, "Ctrl-C"}}},
    [COMMAND_LABEL] = {.group = GUIDE_READ,
                       .rows = {{"list", "label," LABEL_COUNTS},
                                {"count", "labels," LABEL_COUNTS},
                                {"show", RECORD},
                                {"all", RECORD},
                                {"any", RECORD}},
                       .codes = {NOTHING, DAMAGED, STALE}},
    [COMMAND_FIND] = {.group = GUIDE_READ,
                      .rows = {{"", RECORD}, {"(of a fold)", "group,count,value,seq"}},
                      .codes = {{CODE_NO, "nothing was found, or no view has the name"},
                                DAMAGED,
                                STALE,
                                {CODE_INTERRUPTED, "Ctrl-C, after -f"}}},
    [COMMAND_MARK] = {.group = GUIDE_WRITE,
                      .rows = {{"set", "name,seq,record,note"},
                               {"list", MARK},
                               {"show", MARK},
                               {"history", MARK}},
                      .codes = {{CODE_NO, "no bookmark, or no record, of that name"}, BUSY, STALE}},
    [COMMAND_BLOB] = {.group = GUIDE_WRITE,
                      .rows = {{"list", BLOB},
                               {"put", "hash,seq,bytes,chunks,chunks_new,bytes_new,bytes_stored,"
                                       "state,file"},
                               {"get -o", "hash,from,bytes,file"},
                               {"stat", BLOB ",form,place"},
                               {"has", "hash,known,seq,bytes,what"},
                               {"verify", "hash,seq,result,bytes,chunks,chunks_bad,first_bad,name"},
                               {"unreferenced", "hash,time,bytes,bytes_stored"},
                               {"grains", "state,path,grains"}},
                      .codes = {{CODE_NO, "no such blob; has: it is not there"},
                                {CODE_PARTIAL, "some were put, or are there, some not"},
                                {CODE_DAMAGED, "a chunk is damaged or missing"},
                                {CODE_IO, "the chunks are absent, or a file is"},
                                {CODE_INTERRUPTED, "Ctrl-C; putting again goes on"},
                                AMBIGUOUS}},
    [COMMAND_SCOPE] = {.group = GUIDE_WRITE,
                       .rows = {{"list", SCOPE},
                                {"add", "verdict,seq,record,extends,keys,id"},
                                {"show",
                                 "seq,time,verdict,of,extends,base,enclosing,first,last,count,id,"
                                 "local_id,labels,batch,tare,variables"},
                                {"diff", SCOPE_DIFFERENCE},
                                {"find", SCOPE},
                                {"explain", "seq," SCOPE_DIFFERENCE},
                                {"put", "seq,bytes,address"},
                                {"stat", "scopes,shapes,wild_shapes,wild_scopes"},
                                {"config", "what,key,value,labels,rule,seq"}},
                       .codes = {{CODE_NO, "nothing was found, or a reference names nothing"},
                                 DAMAGED,
                                 BUSY,
                                 STALE,
                                 AMBIGUOUS}},
    [COMMAND_TAPE] = {.group = GUIDE_READ,
                      .rows = {{"", SCOPE_TAPE}},
                      .codes = {NOT_FOUND, DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_DUP] = {.group = GUIDE_READ,
                     .rows = {{"", SCOPE}, {"R", SCOPE}},
                     .codes = {NOTHING, DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_SUPER] = {.group = GUIDE_READ,
                       .rows = {{"", SCOPE}},
                       .codes = {NOTHING, DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_SUB] = {.group = GUIDE_READ,
                     .rows = {{"", SCOPE}},
                     .codes = {NOTHING, DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_BATCH] = {.group = GUIDE_READ,
                       .rows = {{"list", "id,records,bytes,first,last,time"}, {"show", SCOPE}},
                       .codes = {{CODE_NO, "no such batch"}, DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_GRAPH] = {.group = GUIDE_READ,
                       .rows = {{"", "seq,last,scopes,labels,covers,keys"}},
                       .codes = {NOTHING, DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_VIEW] = {.group = GUIDE_DERIVED,
                      .rows = {{"status", STATUS ",why"},
                               {"status -v", STATUS ",generation,applied,passed_over,rebuild_done,"
                                                    "rebuild_total,usable,why"},
                               {"list", "view,version,kind,state"},
                               {"add", "view,seq"},
                               {"drop", "view,seq"},
                               {"rows", "key,seq,value"},
                               {"sync", "view,at,lag,waited"},
                               {"rebuild", "view,result,records,entries,disk,seconds,why"},
                               {"verify", "view,result,rows,table,difference"}},
                      .codes = {{CODE_NO, "no view has the name"},
                                {CODE_DAMAGED, "verify: a view differs from the log"},
                                STALE,
                                {CODE_INTERRUPTED, "Ctrl-C; what is done is kept"}}},
    [COMMAND_EXPLAIN] = {.group = GUIDE_DERIVED, .rows = {{"", "source,at,lag,step"}}},
    [COMMAND_CACHE] = {.group = GUIDE_WRITE,
                       .rows = {{"list", "seq,time,bytes,how,versions,address,scope"},
                                {"put", "seq,bytes,address"},
                                {"forget", "seq,bytes,address"},
                                {"stat",
                                 "addresses,bytes,remembered,versions,hits,misses,races_lost"}},
                       .codes = {{CODE_NO, "there is no value"}, DAMAGED, BUSY, STALE}},
    [COMMAND_RUN] = {.group = GUIDE_WRITE,
                     .rows = {{"--explain", "seq," SCOPE_DIFFERENCE}},
                     .codes = {{CODE_RUN,
                                "flume failed, whatever the reason; others are COMMAND's"},
                               {CODE_NOT_RUN, "COMMAND cannot be executed"},
                               {CODE_NOT_FOUND, "COMMAND is not there"},
                               {CODE_NO, "--explain: it would run"},
                               {CODE_INTERRUPTED, "Ctrl-C, sent on to COMMAND"}}},
    [COMMAND_CHECK] = {.group = GUIDE_CARE,
                       .rows = {{"", FINDING}},
                       .codes = {{CODE_PARTIAL, "chunks are away, and were not looked at"},
                                 {CODE_DAMAGED, "something is damaged"}}},
    [COMMAND_REPAIR] = {.group = GUIDE_CARE,
                        .rows = {{"", FINDING}},
                        .codes = {{CODE_NO, "nobody said yes"},
                                  {CODE_USAGE, "--yes is wanted, without a terminal"},
                                  {CODE_DAMAGED, "what cannot be had back needs --accept-loss"},
                                  {CODE_BUSY, "somebody has the basin open"}}},
    [COMMAND_SEAL] = {.group = GUIDE_CARE,
                      .rows = {{"", "strata,records,raw_bytes,sealed_bytes,ratio,sealed_to,"
                                    "seconds"}},
                      .codes = {{CODE_DAMAGED, "a record does not read; its strata stays as it is"},
                                {CODE_BUSY, "another process seals, and --timeout is over"},
                                {CODE_INTERRUPTED, "Ctrl-C; what is sealed stays so"}}},
    [COMMAND_STRATA] = {.group = GUIDE_LOOK,
                        .rows = {{"", STRATA},
                                 {"-v",
                                  STRATA ",chain,block_size,block_bytes,block_index,"
                                         "grain_index,labels,merkle,dictionary,parity,least_time,"
                                         "greatest_time"}},
                        .codes = {{CODE_DAMAGED, "a strata does not read"}}},
    [COMMAND_PROVE] =
        {.group = GUIDE_CARE,
         .rows = {{"", "root,end,basin"},
                  {"R", "hash,seq,root,end,strata_root,strata,records,index,body,path"},
                  {"--from", "root,end,old_root,old_end,strata"},
                  {"--check", "proves,seq,time,kind,labels,bytes,hash,body,root,end,known_end"},
                  {"--check (of roots)", "proves,old_root,old_end,root,end,known_end"}},
         .codes = {{CODE_NO, "a proof does not hold; nothing is sealed there"},
                   {CODE_DAMAGED, "what is stored gives no proof"}}},
    [COMMAND_STATUS] = {.group = GUIDE_LOOK,
                        .rows = {{"",
                                  "path,basin,head,durable,not_durable,used_bytes,"
                                  "allocated_bytes,strata,sealed,strata_bytes,created,first,last,"
                                  "poisoned,observer,torn,cut_bytes,damaged,rate,views,disk,"
                                  "grains,"
                                  "attached"}}},
    [COMMAND_STAT] =
        {.group = GUIDE_LOOK,
         .rows = {{"", "head,durable,strata,sealed,strata_bytes,used_bytes,allocated_bytes,"
                       "first,last,profile,io,poisoned,observer,torn,cut_bytes,"
                       "cut_strata,damaged,damaged_seq,attached"},
                  {"-i", "time,rec_s,mb_s,head,not_durable,lag_max"}}},
    [COMMAND_TOP] = {.group = GUIDE_LOOK,
                     .rows = {{"", "seq,bytes,time,labels"},
                              {"--by count", "label,count,bytes,first,last"}},
                     .codes = {DAMAGED, STALE}},
    [COMMAND_HIST] = {.group = GUIDE_LOOK, .rows = {{"", "from,to,count"}}, .codes = {DAMAGED}},
    [COMMAND_PLOT] = {.group = GUIDE_LOOK,
                      .rows = {{"rate", "time,records,bytes,rec_s,bytes_s"},
                               {"lag", "name,state,at,head,lag,lag_bytes"},
                               {"size", "label,from,to,count"},
                               {"timeline", "label,time,records,bookmark"},
                               {"-o", "plot,file,points,what"}},
                      .codes = {DAMAGED,
                                {CODE_IO, "-o: it could not be written; what was there stays"},
                                STALE}},
    [COMMAND_DUMP] = {.group = GUIDE_READ,
                      .rows = {{"", "seq,at,bytes,field,value"}},
                      .codes = {NOT_FOUND, DAMAGED}},
    [COMMAND_EXPORT] = {.group = GUIDE_READ, .codes = {DAMAGED, STALE, AMBIGUOUS}},
    [COMMAND_IMPORT] = {.group = GUIDE_WRITE,
                        .rows = {{"", "records,bytes,batches,skipped,seconds"}},
                        .codes = {{CODE_PARTIAL, "it stopped at a bad line; what was read is in"},
                                  BUSY}},
    [COMMAND_BENCH] = {.group = GUIDE_CARE,
                       .rows = {{"", "case,size,count,ops_s,mb_s,p50_ns,p99_ns"}}},
    [COMMAND_COMPLETION] = {.group = GUIDE_PROGRAM},
    [COMMAND_VERSION] = {.group = GUIDE_PROGRAM,
                         .rows = {{"", "version,library,format,compiler,assertions,jansson"}}},
    [COMMAND_HELP] = {.group = GUIDE_PROGRAM},
    [COMMAND_COMPLETE] = {.group = GUIDE_HIDDEN},
};

const char *guide_group_name(enum guide_group group)
{
    static const char *const names[GUIDE_GROUP_COUNT] = {"",     "write", "read",   "derived",
                                                         "look", "care",  "program"};

    return names[group];
}

const struct guide *guide_of(const struct command *command)
{
    assert(command->id < COMMAND_COUNT);
    return &guide_table[command->id];
}
