/*
 * inspection.h - looking at a basin from outside: what check and repair share.
 *
 * An inspection has a handle of its own that is not attached: its HEAD is private memory, its table
 * is for looking only. It knows where the log ends, tells findings, and counts.
 *
 * What always holds:
 *   - Nothing here changes a byte of the basin.
 *   - Where HEAD is of this boot the log ends where HEAD says; else where recovery would end it, by
 *     recovery's own code.
 */
#ifndef FLUME_INSPECTION_H
#define FLUME_INSPECTION_H

#include "flume/check.h"
#include "handle.h"
#include "sync.h"

/* How much a finding weighs: after a machine stop some side files are as the disk left them. */
enum finding_weight {
    FINDING_NORMAL = 0, /* Told; the log is sound all the same. */
    FINDING_DAMAGE = 1
};

enum finding_voice { FINDING_TOLD = 0, FINDING_QUIET = 1 };

enum { PROGRESS_BYTES = 4 << 20 }; /* How often progress is told, at the least. */

enum { FINDING_KINDS = FLUME_FINDING_PARITY + 1 };

struct inspection {
    flume_log *log;
    flume_check_options options; /* No NULL inside but callbacks. */
    flume_check_report report;
    enum finding_voice voice;
    const char *const *actions; /* By kind; NULL: a check, which acts on nothing. */
    bool is_damaged, is_tail_lost, is_version;
    char first_damage[FLUME_ERROR_TEXT_BYTES]; /* The error's detail. */
    uint64_t first_damage_seq;

    int conf_status; /* FLUME_OK; FLUME_ERR_DAMAGED; FLUME_ERR_NO_BASIN: there is none. */
    bool has_gate;
    struct gate gate;
    bool gate_is_wrong;        /* It names another grain than the one before its seq. */
    uint64_t gate_grain_check; /* Of that grain, once its strata has been examined; else 0. */

    uint64_t noted_seq; /* The check of the grain before it is wanted; 0: of none. */

    bool is_alone;    /* The basin is held exclusively: nothing is under way. */
    bool head_counts; /* HEAD is of this boot and this basin. */
    bool is_copy;     /* HEAD came along with a copy made while the basin was in use. */
    uint32_t head_refusal;
    uint64_t head_durable; /* Vouched for by HEAD of this boot, also where else it is doubted. */
    uint64_t head_active_first; /* FLUME_SEQ_NONE: no strata. */
    uint64_t trusted_from;      /* Slots of strata from here on are of this boot. */

    uint64_t end;     /* Where the log ends. */
    uint64_t known;   /* Everything below was durable, as far as anybody tells. */
    uint64_t lost_to; /* With is_tail_lost: what was acknowledged, once it has been told. */
    bool is_torn;     /* Recovery would cut what lies behind the end. */

    uint64_t progress_done, progress_total, progress_told;
};

/* Make the handle and read flume.conf and TAIL. On error the inspection is to be ended too. */
int inspection_begin(struct inspection *inspection, const char *path,
                     const flume_check_options *options);

/* Free everything, and give out the report and the error's detail (either may be NULL). */
void inspection_end(struct inspection *inspection, int status, flume_check_report *out_report,
                    flume_error *out_error);

/* Look at TAIL and HEAD: fills head_... and, if it counts, `end`. Before log/ is listed. */
void inspection_look_at_head(struct inspection *inspection);

/* Where the log ends, by HEAD or as recovery would have it. The basin id must be known. */
int inspection_find_end(struct inspection *inspection);

/* Whether nobody can have written since HEAD was looked at. Ask behind what it is to vouch for. */
bool inspection_was_at_rest(const struct inspection *inspection);

/* Where in the basin something was found. */
struct finding_place {
    const char *file; /* Inside the basin. */
    uint64_t first_seq, last_seq, offset, bytes;
};

/* Count and tell. FLUME_OK or FLUME_ERR_CANCELLED. */
int inspection_tell(struct inspection *inspection, enum flume_finding_kind kind,
                    enum finding_weight weight, const struct finding_place *place,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* So many bytes more are done. FLUME_OK or FLUME_ERR_CANCELLED. */
int inspection_progress(struct inspection *inspection, uint64_t bytes);

/* Say that work goes on, on bytes that are done already. FLUME_OK or FLUME_ERR_CANCELLED. */
int inspection_pulse(struct inspection *inspection);

/* What all findings so far amount to. */
int inspection_status(struct inspection *inspection);

#endif
