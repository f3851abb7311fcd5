/* Brings every epoch of the log to the platform exactly once: says what to send next and draws the
 * conclusions from the answer. Holds no epoch itself; bodies are read from the log as they go. */
#ifndef NOCTIS_UPLOADER_H
#define NOCTIS_UPLOADER_H

#include "noctis/flash_log.h"

#define UPLOAD_MOST_EPOCHS 120
#define UPLOAD_UUID_CHARACTERS 36
#define UPLOAD_NAME_BYTES 40
#define UPLOAD_NAMED 50 /* the server lists at most so many problems */
/* Between uploads while all is well, a quarter more or less, so that devices stay apart. */
#define UPLOAD_EVERY_MS 300000u
#define UPLOAD_QUARANTINE_TRIES 3

typedef enum { UPLOAD_START, UPLOAD_EPOCHS, UPLOAD_ASK_TIME } upload_kind;

typedef struct {
    upload_kind kind;
    const char *path;
    size_t length; /* of the body */
    bool needs_new_token;
} upload_request;

typedef struct {
    int status; /* 0: no answer in time */
    uint32_t retry_after_s;
    const char *body;
    size_t length;
} upload_answer;

/* Why an epoch was left out for good; stands in its quarantine record. */
typedef enum { LEFT_CONFLICT = 1, LEFT_PAST_RETENTION = 2, LEFT_REFUSED = 3 } left_out;

typedef struct {
    uint32_t recording; /* 0: no batch */
    uint16_t first_index, count;
    uint32_t first_sequence, last_sequence, crc;
    log_position at; /* of its first epoch */
} upload_batch;

typedef struct {
    uint32_t uploaded, conflicts, past_retention, quarantined, bad_echoes, requests;
} upload_counts;

typedef struct {
    flash_log *log;
    char external_id[UPLOAD_NAME_BYTES], time_zone[UPLOAD_NAME_BYTES];
    upload_batch batch;
    uint32_t recording; /* that the server knows by this id; 0: none */
    char recording_id[UPLOAD_UUID_CHARACTERS + 1];
    int64_t started_at_ms;  /* of the batch's recording */
    uint32_t waits_for_time; /* a recording whose start nobody knows yet; 0: none */
    uint32_t dropped_recording; /* older than what the server keeps, whole */
    uint16_t named[UPLOAD_NAMED];
    uint8_t named_count, named_reason;
    uint16_t size_limit, part_limit; /* after 413 for good; while looking for a bad epoch */
    uint8_t refusals;
    bool needs_new_token, was_locked_out;
    upload_kind sent;
    uint32_t failures;
    uint64_t ready_ms;
    /* Where the body's reader stands. */
    log_position read_at;
    uint16_t read_next;
    upload_counts counts;
} uploader;

void uploader_init(uploader *uploader, flash_log *log, const char *external_id,
                   const char *time_zone, uint32_t random);
/* What to send now; false: nothing is due. `has_time` says whether wall time is known. */
bool uploader_next(uploader *uploader, uint64_t now_ms, bool has_time, upload_request *request);
/* Bytes of the request's body from `offset`: the same ones however often they are asked for. */
size_t uploader_body(uploader *uploader, size_t offset, char *text, size_t size);
log_status uploader_answered(uploader *uploader, const upload_answer *answer, uint64_t now_ms,
                             uint32_t random);

#endif
