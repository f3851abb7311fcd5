#include "noctis/uploader.h"

#include <string.h>

#include "noctis/backoff.h"
#include "noctis/base64.h"
#include "noctis/bytes.h"
#include "noctis/crc.h"
#include "noctis/json_emit.h"
#include "noctis/json_scan.h"
#include "noctis/quantise.h"

#define EPOCH_CHARACTERS BASE64_CHARACTERS(WIRE_EPOCH_BYTES)
#define HEAD_BYTES 256
#define TAIL "\"}"
#define LOOK_AGAIN_MS 5000u /* for epochs, or for a night's start; reading the log is not free */

void uploader_init(uploader *up, flash_log *log, const char *external_id, const char *time_zone,
                   uint32_t random) {
    memset(up, 0, sizeof *up);
    up->log = log;
    strncpy(up->external_id, external_id, sizeof up->external_id - 1);
    strncpy(up->time_zone, time_zone, sizeof up->time_zone - 1);
    up->size_limit = up->part_limit = UPLOAD_MOST_EPOCHS;
    up->batch.at = flash_log_begin();
    /* After a power cut a whole street boots at once. */
    up->ready_ms = backoff_ms(5, random);
}

static void codes_of(const log_record *record, uint16_t codes[NOC_FEATURES]) {
    for (int i = 0; i < NOC_FEATURES; i++) {
        codes[i] = get_le16(record->payload + 2 * i);
    }
}

static bool is_named(const uploader *up, uint16_t index) {
    for (int i = 0; i < up->named_count; i++) {
        if (up->named[i] == index) {
            return true;
        }
    }
    return false;
}

/* Durable first, then out of the way: repeated after a cut, never forgotten. */
static log_status leave_out(uploader *up, const log_record *epoch, uint32_t sequence,
                            left_out reason) {
    log_record note = {.type = LOG_QUARANTINED,
                       .index = epoch->index,
                       .recording = epoch->recording,
                       .at_ms = epoch->at_ms};
    uint32_t at;
    put_le32(note.payload, sequence);
    note.payload[4] = (uint8_t)reason;
    if (flash_log_append(up->log, &note, &at) != LOG_OK ||
        flash_log_acknowledge(up->log, sequence) != LOG_OK) {
        return LOG_FAILED;
    }
    up->counts.conflicts += reason == LEFT_CONFLICT;
    up->counts.past_retention += reason == LEFT_PAST_RETENTION;
    up->counts.quarantined += reason == LEFT_REFUSED;
    return LOG_OK;
}

/* The first epoch that is to be sent; those to be left out before it are done with here. */
static bool find_first(uploader *up, log_position *at, log_record *record, uint32_t *sequence) {
    for (;;) {
        log_position here = *at;
        if (!flash_log_next_pending(up->log, at, record, sequence)) {
            return false;
        }
        if (record->recording != up->batch.recording) {
            up->named_count = 0;
        }
        bool is_dropped = record->recording == up->dropped_recording;
        if (!is_dropped && !is_named(up, record->index)) {
            *at = here;
            return true;
        }
        left_out reason = is_dropped ? LEFT_PAST_RETENTION : (left_out)up->named_reason;
        if (leave_out(up, record, *sequence, reason) != LOG_OK) {
            return false;
        }
    }
}

/* The batch's epoch number `wanted`, from `at` on. An append that was cut may have left an epoch
 * twice, with the same bytes: one of them is passed over. */
static bool find_epoch(const uploader *up, log_position *at, uint16_t wanted, log_record *record,
                       uint32_t *sequence) {
    const upload_batch *batch = &up->batch;
    uint32_t index = (uint32_t)batch->first_index + wanted;
    do {
        if (!flash_log_next_pending(up->log, at, record, sequence) ||
            record->recording != batch->recording || record->index > index) {
            return false;
        }
    } while (record->index != index);
    return !is_named(up, record->index);
}

/* Consecutive epochs of one recording, and the CRC that the server must echo. */
static bool build_batch(uploader *up) {
    upload_batch *batch = &up->batch;
    log_position at = batch->at;
    log_record record;
    uint32_t sequence;
    if (!find_first(up, &at, &record, &sequence)) {
        batch->recording = 0;
        return false;
    }
    uint16_t limit = up->size_limit < up->part_limit ? up->size_limit : up->part_limit;
    *batch = (upload_batch){
        .recording = record.recording, .first_index = record.index, .first_sequence = sequence, .at = at};
    while (batch->count < limit && find_epoch(up, &at, batch->count, &record, &sequence)) {
        uint16_t codes[NOC_FEATURES];
        uint8_t wire[WIRE_EPOCH_BYTES];
        codes_of(&record, codes);
        wire_epoch(codes, wire);
        batch->crc = crc32_of(batch->crc, wire, sizeof wire);
        batch->last_sequence = sequence;
        batch->count++;
    }
    up->read_next = 0;
    up->read_at = batch->at;
    return batch->count > 0;
}

/* An epoch on the grid tells where its recording began; one before the clock was trusted does not,
 * but a time record further on may. */
static bool find_start(uploader *up) {
    log_position at = up->batch.at;
    log_record record;
    uint32_t sequence;
    while (flash_log_next(up->log, &at, &record, &sequence)) {
        bool tells = record.type == LOG_EPOCH || record.type == LOG_TIME;
        if (tells && record.recording == up->batch.recording && record.at_ms >= 0) {
            up->started_at_ms = record.at_ms - (int64_t)record.index * NOC_EPOCH_MS;
            return true;
        }
    }
    return false;
}

static size_t put_start(const uploader *up, char *text, size_t size) {
    json_text json;
    json_start(&json, text, size);
    json_open(&json);
    if (up->sent == UPLOAD_START) {
        json_key(&json, "device_external_id");
        json_string(&json, up->external_id);
        json_key(&json, "started_at");
        json_instant(&json, up->started_at_ms);
        if (up->time_zone[0] != 0) {
            json_key(&json, "timezone");
            json_string(&json, up->time_zone);
        }
    }
    json_close(&json);
    return json.length;
}

static size_t put_head(const uploader *up, char *text, size_t size) {
    json_text json;
    json_start(&json, text, size);
    json_open(&json);
    json_key(&json, "recording_id");
    json_string(&json, up->recording_id);
    json_key(&json, "feature_schema_version");
    json_string(&json, NOC_SCHEMA);
    json_key(&json, "start_index");
    json_integer(&json, up->batch.first_index);
    json_key(&json, "epochs");
    json_raw(&json, "\"");
    return json.length;
}

static bool ask(uploader *up, upload_kind kind, upload_request *request) {
    char text[HEAD_BYTES];
    bool is_epochs = kind == UPLOAD_EPOCHS;
    up->sent = kind;
    up->counts.requests++;
    request->kind = kind;
    request->path = is_epochs ? "/v1/epochs:ingest" : "/v1/recordings:start";
    request->length = is_epochs ? put_head(up, text, sizeof text) +
                                      (size_t)up->batch.count * EPOCH_CHARACTERS + strlen(TAIL)
                                : put_start(up, text, sizeof text);
    request->needs_new_token = up->needs_new_token;
    up->needs_new_token = false;
    return true;
}

bool uploader_next(uploader *up, uint64_t now_ms, bool has_time, upload_request *request) {
    if (now_ms < up->ready_ms) {
        return false;
    }
    /* Without wall time there is neither a token nor a night's start. Any answer carries the
     * server's Date; a refusal will do. */
    if (!has_time) {
        return ask(up, UPLOAD_ASK_TIME, request);
    }
    if (!build_batch(up)) {
        up->ready_ms = now_ms + LOOK_AGAIN_MS;
        return false;
    }
    if (up->batch.recording == up->recording) {
        return ask(up, UPLOAD_EPOCHS, request);
    }
    if (!find_start(up)) {
        up->waits_for_time = up->batch.recording;
        up->ready_ms = now_ms + LOOK_AGAIN_MS;
        return false;
    }
    up->waits_for_time = 0;
    return ask(up, UPLOAD_START, request);
}

/* The text of one epoch; 60 bytes are 80 characters without padding, so each stands alone. */
static bool read_epoch(uploader *up, uint16_t number, char text[EPOCH_CHARACTERS]) {
    log_record record;
    uint32_t sequence;
    uint16_t codes[NOC_FEATURES];
    uint8_t wire[WIRE_EPOCH_BYTES];
    if (number < up->read_next) {
        up->read_next = 0;
        up->read_at = up->batch.at;
    }
    do {
        if (!find_epoch(up, &up->read_at, up->read_next, &record, &sequence)) {
            return false;
        }
    } while (up->read_next++ != number);
    codes_of(&record, codes);
    wire_epoch(codes, wire);
    base64_encode(wire, sizeof wire, text);
    return true;
}

static size_t copy_part(const char *from, size_t length, size_t offset, char *to, size_t size) {
    size_t part = length - offset < size ? length - offset : size;
    memcpy(to, from + offset, part);
    return part;
}

static size_t put_piece(uploader *up, size_t offset, char *text, size_t size) {
    char piece[HEAD_BYTES];
    size_t head = up->sent == UPLOAD_EPOCHS ? put_head(up, piece, sizeof piece)
                                            : put_start(up, piece, sizeof piece);
    if (offset < head) {
        return copy_part(piece, head, offset, text, size);
    }
    offset -= head;
    if (up->sent != UPLOAD_EPOCHS) {
        return 0;
    }
    size_t number = offset / EPOCH_CHARACTERS;
    if (number < up->batch.count) {
        return read_epoch(up, (uint16_t)number, piece)
                   ? copy_part(piece, EPOCH_CHARACTERS, offset % EPOCH_CHARACTERS, text, size)
                   : 0;
    }
    offset -= (size_t)up->batch.count * EPOCH_CHARACTERS;
    return offset < strlen(TAIL) ? copy_part(TAIL, strlen(TAIL), offset, text, size) : 0;
}

size_t uploader_body(uploader *up, size_t offset, char *text, size_t size) {
    size_t done = 0, part = 1;
    while (done < size && part > 0) {
        part = put_piece(up, offset + done, text + done, size - done);
        done += part;
    }
    return done;
}

static void wait_jittered(uploader *up, uint64_t now_ms, uint32_t random) {
    up->ready_ms = now_ms + backoff_ms(up->failures++, random);
}

static bool is_code(const upload_answer *answer, const char *wanted) {
    char code[UPLOAD_NAME_BYTES];
    return json_find_string(answer->body, answer->length, "code", code, sizeof code) &&
           strcmp(code, wanted) == 0;
}

static void hex_of(uint32_t value, char text[9]) {
    for (int i = 0; i < 8; i++) {
        text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    }
    text[8] = 0;
}

/* A captive portal answers 200 too: only an echo of what was sent is an acknowledgement. */
static bool is_echo(const uploader *up, const upload_answer *answer) {
    char id[UPLOAD_UUID_CHARACTERS + 1], checksum[9], wanted[9];
    int64_t first, last;
    const upload_batch *batch = &up->batch;
    hex_of(batch->crc, wanted);
    return json_find_string(answer->body, answer->length, "recording_id", id, sizeof id) &&
           json_find_integer(answer->body, answer->length, "first_index", &first) &&
           json_find_integer(answer->body, answer->length, "last_index", &last) &&
           json_find_string(answer->body, answer->length, "checksum", checksum, sizeof checksum) &&
           strcmp(id, up->recording_id) == 0 && first == batch->first_index &&
           last == batch->first_index + batch->count - 1 && strcmp(checksum, wanted) == 0;
}

static log_status take_ingested(uploader *up, const upload_answer *answer, uint64_t now_ms,
                                uint32_t random) {
    if (!is_echo(up, answer)) {
        up->counts.bad_echoes++;
        wait_jittered(up, now_ms, random);
        return LOG_OK;
    }
    log_status status = flash_log_acknowledge(up->log, up->batch.last_sequence);
    bool has_more = up->batch.count == up->size_limit || up->part_limit < UPLOAD_MOST_EPOCHS ||
                    up->named_count > 0;
    up->counts.uploaded += up->batch.count;
    up->failures = up->refusals = 0;
    up->was_locked_out = false;
    up->part_limit = UPLOAD_MOST_EPOCHS;
    uint32_t apart = UPLOAD_EVERY_MS * 3 / 4 + (uint32_t)((uint64_t)random * (UPLOAD_EVERY_MS / 2) >> 32);
    up->ready_ms = now_ms + (has_more ? 0 : apart);
    return status;
}

static void take_started(uploader *up, const upload_answer *answer, uint64_t now_ms,
                         uint32_t random) {
    char id[UPLOAD_UUID_CHARACTERS + 1];
    if (!json_find_string(answer->body, answer->length, "id", id, sizeof id) ||
        strlen(id) != UPLOAD_UUID_CHARACTERS) {
        up->counts.bad_echoes++;
        wait_jittered(up, now_ms, random);
        return;
    }
    memcpy(up->recording_id, id, sizeof id);
    up->recording = up->batch.recording;
    up->was_locked_out = false;
}

/* Looks for the one bad epoch by halves; alone, it gets three tries. */
static log_status divide(uploader *up, uint64_t now_ms, uint32_t random) {
    if (up->batch.count > 1) {
        up->part_limit = up->batch.count / 2;
        return LOG_OK;
    }
    if (++up->refusals < UPLOAD_QUARANTINE_TRIES) {
        wait_jittered(up, now_ms, random);
        return LOG_OK;
    }
    log_position at = up->batch.at;
    log_record record;
    uint32_t sequence;
    up->refusals = 0;
    up->failures = 0;
    up->part_limit = UPLOAD_MOST_EPOCHS;
    return find_epoch(up, &at, 0, &record, &sequence)
               ? leave_out(up, &record, sequence, LEFT_REFUSED)
               : LOG_OK;
}

/* Remembers the epochs that the answer names; they are left out of the next batches. */
static log_status take_named(uploader *up, const upload_answer *answer, left_out reason,
                             uint64_t now_ms, uint32_t random) {
    json_cursor cursor = {answer->body, answer->length, 0};
    const upload_batch *batch = &up->batch;
    int64_t index;
    up->named_count = 0;
    up->named_reason = (uint8_t)reason;
    while (up->named_count < UPLOAD_NAMED && json_next_integer(&cursor, "epoch_index", &index)) {
        if (index >= batch->first_index && index < batch->first_index + batch->count) {
            up->named[up->named_count++] = (uint16_t)index;
        }
    }
    if (up->named_count == 0) {
        return divide(up, now_ms, random);
    }
    return LOG_OK;
}

static log_status take_conflict(uploader *up, const upload_answer *answer, uint64_t now_ms,
                                uint32_t random) {
    bool is_past = is_code(answer, "past_retention");
    if (up->sent == UPLOAD_START && is_past) {
        up->dropped_recording = up->batch.recording;
        return LOG_OK;
    }
    if (up->sent == UPLOAD_EPOCHS && (is_past || is_code(answer, "epoch_conflict"))) {
        left_out reason = is_past ? LEFT_PAST_RETENTION : LEFT_CONFLICT;
        return take_named(up, answer, reason, now_ms, random);
    }
    wait_jittered(up, now_ms, random);
    return LOG_OK;
}

/* A new token once, then patience: a device that was locked out by mistake has lost nothing. */
static void take_lockout(uploader *up, uint64_t now_ms, uint32_t random) {
    bool is_first = !up->was_locked_out && up->sent != UPLOAD_ASK_TIME;
    up->needs_new_token = true;
    up->was_locked_out = true;
    if (!is_first) {
        wait_jittered(up, now_ms, random);
    }
}

static void take_too_large(uploader *up, uint64_t now_ms, uint32_t random) {
    if (up->batch.count > 1) {
        up->size_limit = up->batch.count / 2;
    } else {
        wait_jittered(up, now_ms, random);
    }
}

static log_status take_refusal(uploader *up, const upload_answer *answer, uint64_t now_ms,
                               uint32_t random) {
    bool is_epochs = up->sent == UPLOAD_EPOCHS;
    switch (answer->status) {
    case 401:
    case 403:
        take_lockout(up, now_ms, random);
        return LOG_OK;
    case 409:
        return take_conflict(up, answer, now_ms, random);
    case 413:
        take_too_large(up, now_ms, random);
        return LOG_OK;
    case 422: /* another schema is no fault of any epoch: nothing is thrown away for it */
        if (is_epochs && !is_code(answer, "feature_schema_mismatch")) {
            return divide(up, now_ms, random);
        }
        break;
    case 404:
        if (is_epochs) {
            up->recording = 0;
        }
        break;
    default:
        break;
    }
    wait_jittered(up, now_ms, random);
    return LOG_OK;
}

/* Where nothing is put off, the next request is due at once: this one's time has come. */
log_status uploader_answered(uploader *up, const upload_answer *answer, uint64_t now_ms,
                             uint32_t random) {
    int status = answer->status;
    if (status >= 200 && status < 300 && up->sent != UPLOAD_ASK_TIME) {
        if (up->sent == UPLOAD_EPOCHS) {
            return take_ingested(up, answer, now_ms, random);
        }
        take_started(up, answer, now_ms, random);
        return LOG_OK;
    }
    if ((status == 429 || status == 503) && answer->retry_after_s > 0) {
        up->failures++;
        up->ready_ms = now_ms + backoff_asked_ms(answer->retry_after_s, random);
        return LOG_OK;
    }
    if (status >= 400 && status < 500 && status != 429) {
        return take_refusal(up, answer, now_ms, random);
    }
    wait_jittered(up, now_ms, random);
    return LOG_OK;
}
