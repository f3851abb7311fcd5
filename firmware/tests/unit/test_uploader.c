#include <string.h>

#include "../check.h"
#include "noctis/bytes.h"
#include "noctis/crc.h"
#include "noctis/quantise.h"
#include "noctis/uploader.h"
#include "nor_ram.h"
#include "suites.h"

#define SECTORS 12
#define NIGHT_MS 1763676000000
#define ID "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d"

static nor_ram flash;
static flash_log store;
static uploader up;
static upload_request request;
static uint64_t now;
static char body[16000];
static size_t body_length;

static void start(void) {
    nor_ram_init(&flash, SECTORS, 5);
    CHECK_EQUAL(flash_log_mount(&store, &flash.nor, 0, SECTORS), LOG_OK);
    uploader_init(&up, &store, "NB-0007", "Europe/Berlin", 0);
    now = 1;
}

static void write_at(uint32_t recording, uint16_t index, int64_t at_ms) {
    log_record record = {LOG_EPOCH, index, recording, at_ms, {0}};
    uint32_t sequence;
    for (int i = 0; i < NOC_FEATURES; i++) {
        put_le16(record.payload + 2 * i, i % 4 == 3 ? QUANTISE_GAP : (uint16_t)(index * 3 + i));
    }
    CHECK_EQUAL(flash_log_append(&store, &record, &sequence), LOG_OK);
}

static void write_epochs(uint32_t recording, uint16_t from, uint16_t count) {
    int64_t started = NIGHT_MS + (int64_t)recording * 86400000;
    for (uint16_t i = from; i < from + count; i++) {
        write_at(recording, i, started + (int64_t)i * NOC_EPOCH_MS);
    }
}

static bool next(void) {
    if (now < up.ready_ms) {
        now = up.ready_ms;
    }
    if (!uploader_next(&up, now, true, &request)) {
        return false;
    }
    body_length = uploader_body(&up, 0, body, sizeof body - 1);
    body[body_length] = 0;
    CHECK_EQUAL(body_length, request.length);
    return true;
}

static void answer_with(int status, const char *text) {
    upload_answer answer = {status, 0, text, strlen(text)};
    CHECK_EQUAL(uploader_answered(&up, &answer, now, 0x80000000), LOG_OK);
}

static void answer_code(int status, const char *code) {
    char text[100];
    snprintf(text, sizeof text, "{\"code\": \"%s\"}", code);
    answer_with(status, text);
}

static const char *echo_of(const char *id, int first, int last, uint32_t crc) {
    static char text[300];
    snprintf(text, sizeof text,
             "{\"recording_id\":\"%s\",\"first_index\":%d,\"last_index\":%d,\"received\":1,"
             "\"checksum\":\"%08x\"}", id, first, last, (unsigned)crc);
    return text;
}

static void accept(void) {
    if (request.kind == UPLOAD_START) {
        answer_with(201, "{\"id\": \"" ID "\"}");
    } else {
        answer_with(200, echo_of(ID, up.batch.first_index, up.batch.first_index + up.batch.count - 1,
                                 up.batch.crc));
    }
}

static uint32_t pending(void) {
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence, count = 0;
    while (flash_log_next_pending(&store, &at, &record, &sequence)) {
        count++;
    }
    return count;
}

/* Answers everything with yes until nothing is left. */
static int drain(void) {
    int requests = 0;
    while (requests < 50 && next()) {
        accept();
        requests++;
    }
    return requests;
}

static void a_night_is_started_then_sent(void) {
    start();
    write_epochs(1, 0, 3);
    CHECK(next());
    CHECK_EQUAL(request.kind, UPLOAD_START);
    CHECK(strcmp(request.path, "/v1/recordings:start") == 0);
    CHECK(strcmp(body, "{\"device_external_id\":\"NB-0007\",\"started_at\":\"2025-11-21T22:00:00.000Z\","
                       "\"timezone\":\"Europe/Berlin\"}") == 0);
    accept();
    CHECK(next());
    CHECK_EQUAL(request.kind, UPLOAD_EPOCHS);
    CHECK(strcmp(request.path, "/v1/epochs:ingest") == 0);
    const char *head = "{\"recording_id\":\"" ID "\",\"feature_schema_version\":\"noctis_v1\","
                       "\"start_index\":0,\"epochs\":\"";
    CHECK(strncmp(body, head, strlen(head)) == 0);
    CHECK_EQUAL(body_length, strlen(head) + 3 * 80 + 2);
    CHECK(strcmp(body + body_length - 2, "\"}") == 0);
    uint32_t crc = 0;
    for (uint16_t index = 0; index < 3; index++) {
        uint16_t codes[NOC_FEATURES];
        uint8_t wire[WIRE_EPOCH_BYTES];
        for (int i = 0; i < NOC_FEATURES; i++) {
            codes[i] = i % 4 == 3 ? QUANTISE_GAP : (uint16_t)(index * 3 + i);
        }
        wire_epoch(codes, wire);
        crc = crc32_of(crc, wire, sizeof wire);
    }
    CHECK_EQUAL(up.batch.crc, crc);
    /* 0, 1/256 and 2/512 as float32, a gap, 4/1024: the first epoch's first twenty bytes. */
    CHECK(strncmp(body + strlen(head), "AAAAAAAAgDsAAIA7AADAfwAAgDs", 26) == 0);
    up.failures = up.refusals = 2;
    accept();
    CHECK(up.failures == 0 && up.refusals == 0);
    CHECK_EQUAL(pending(), 0);
    CHECK_EQUAL(up.counts.uploaded, 3);
    CHECK(!next());
    CHECK_EQUAL(up.ready_ms, now + 5000);
    nor_ram_free(&flash);
}

static void without_a_time_zone_the_tenants_holds(void) {
    start();
    uploader_init(&up, &store, "NB-0007", "", 0);
    write_epochs(1, 0, 1);
    CHECK(next());
    CHECK(strstr(body, "timezone") == NULL);
    nor_ram_free(&flash);
}

static void the_same_bytes_come_in_pieces_of_any_size(void) {
    static char piece[16000];
    start();
    write_epochs(1, 0, 20);
    next();
    accept();
    next();
    for (size_t size = 1; size < 200; size += 7) {
        for (size_t at = 0; at < body_length; at += size) {
            size_t got = uploader_body(&up, at, piece + at, size);
            CHECK_EQUAL(got, body_length - at < size ? body_length - at : size);
        }
        CHECK(memcmp(piece, body, body_length) == 0);
    }
    CHECK(uploader_body(&up, 100, piece, 50) == 50 && memcmp(piece, body + 100, 50) == 0);
    CHECK_EQUAL(uploader_body(&up, body_length, piece, 10), 0);
    nor_ram_free(&flash);
}

static void a_retry_has_identical_bytes(void) {
    static char first[16000];
    start();
    write_epochs(1, 0, 120);
    next();
    accept();
    next();
    memcpy(first, body, body_length);
    answer_with(0, "");
    write_epochs(1, 120, 5);
    CHECK(next());
    CHECK(memcmp(first, body, body_length) == 0);
    nor_ram_free(&flash);
}

static void batches_end_at_their_size_at_gaps_and_at_recordings(void) {
    start();
    write_epochs(1, 0, 130);
    write_epochs(1, 140, 5);
    write_epochs(2, 0, 5);
    CHECK_EQUAL(drain(), 2 + 4);
    CHECK_EQUAL(up.counts.uploaded, 140);
    CHECK_EQUAL(pending(), 0);
    nor_ram_free(&flash);
}

static void an_epoch_that_stands_twice_is_sent_once(void) {
    start();
    write_epochs(1, 0, 2);
    write_epochs(1, 1, 4);
    next();
    accept();
    CHECK(next());
    CHECK_EQUAL(up.batch.count, 5);
    accept();
    CHECK_EQUAL(pending(), 0);
    nor_ram_free(&flash);
}

static void only_an_exact_echo_acknowledges(void) {
    start();
    write_epochs(1, 0, 3);
    next();
    answer_with(200, "<html>Welcome to the hotel</html>");
    CHECK_EQUAL(up.recording, 0);
    next();
    answer_with(200, "{\"id\": \"too-short\"}");
    next();
    accept();
    const char *wrong = "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0e";
    next();
    uint32_t crc = up.batch.crc;
    const struct {
        const char *id;
        int first, last;
        uint32_t crc;
    } echoes[] = {{wrong, 0, 2, crc}, {ID, 1, 2, crc}, {ID, 0, 1, crc}, {ID, 0, 2, crc ^ 1}};
    for (int i = 0; i < 4; i++) {
        answer_with(200, echo_of(echoes[i].id, echoes[i].first, echoes[i].last, echoes[i].crc));
        CHECK_EQUAL(pending(), 3);
        CHECK(next());
    }
    answer_with(204, "");
    CHECK_EQUAL(pending(), 3);
    CHECK_EQUAL(up.counts.bad_echoes, 7);
    next();
    accept();
    CHECK_EQUAL(pending(), 0);
    nor_ram_free(&flash);
}

static void silence_and_5xx_wait_with_full_jitter(void) {
    const int statuses[] = {0, 500, 502, 504, 408, 429, 503, 302, 400, 411};
    start();
    write_epochs(1, 0, 3);
    for (uint32_t i = 0; i < 10; i++) {
        CHECK(next());
        answer_with(statuses[i], "");
        uint64_t limit = i < 9 ? 2000u << i : 900000u;
        CHECK_EQUAL(up.ready_ms, now + limit / 2);
        CHECK(!uploader_next(&up, up.ready_ms - 1, true, &request));
    }
    CHECK_EQUAL(pending(), 3);
    nor_ram_free(&flash);
}

static void retry_after_is_kept(void) {
    start();
    write_epochs(1, 0, 3);
    const int statuses[] = {429, 503};
    for (int i = 0; i < 2; i++) {
        upload_answer answer = {statuses[i], 60, "", 0};
        next();
        uploader_answered(&up, &answer, now, 0x80000000);
        CHECK_EQUAL(up.ready_ms, now + 60000 + 15000);
    }
    nor_ram_free(&flash);
}

static void a_lockout_gets_one_new_token_then_patience(void) {
    start();
    write_epochs(1, 0, 3);
    next();
    CHECK(!request.needs_new_token);
    answer_code(401, "expired_token");
    CHECK(up.ready_ms <= now);
    next();
    CHECK(request.needs_new_token);
    for (int i = 0; i < 20; i++) {
        answer_code(403, "forbidden");
        CHECK(up.ready_ms > now);
        next();
    }
    CHECK_EQUAL(pending(), 3);
    accept();
    next();
    answer_code(401, "expired_token");
    CHECK(up.ready_ms <= now); /* once more a first time */
    nor_ram_free(&flash);
}

static void a_later_lockout_gets_a_new_token_at_once_again(void) {
    start();
    write_epochs(1, 0, 1);
    next();
    accept();
    next();
    answer_with(401, "");
    CHECK(next());
    accept();
    write_epochs(1, 1, 1);
    CHECK(next() && request.kind == UPLOAD_EPOCHS && !request.needs_new_token);
    answer_with(401, "");
    CHECK(up.ready_ms <= now && up.needs_new_token);
    nor_ram_free(&flash);
}

static void a_night_that_goes_on_after_a_boot_is_started_where_it_began(void) {
    start();
    write_epochs(1, 0, 5);
    drain();
    uploader_init(&up, &store, "NB-0007", "", 0);
    write_epochs(1, 5, 2);
    CHECK(next());
    CHECK(strstr(body, "\"started_at\":\"2025-11-21T22:00:00.000Z\"") != NULL);
    nor_ram_free(&flash);
}

static void an_epoch_behind_the_batch_is_not_named_by_its_answer(void) {
    start();
    write_epochs(1, 0, 4);
    next();
    accept();
    next();
    answer_with(409, "{\"code\":\"epoch_conflict\",\"errors\":[{\"epoch_index\":4}]}");
    CHECK_EQUAL(up.named_count, 0);
    CHECK(next());
    CHECK_EQUAL(up.batch.count, 2);
    nor_ram_free(&flash);
}

static void behind_a_quarantined_epoch_batches_are_whole_again(void) {
    start();
    write_epochs(1, 0, 8);
    next();
    accept();
    for (int i = 0; i < 20 && up.counts.quarantined == 0; i++) {
        CHECK(next());
        answer_code(422, "validation_error");
    }
    CHECK(next());
    CHECK(up.batch.first_index == 1 && up.batch.count == 7);
    nor_ram_free(&flash);
}

static void a_recording_that_is_gone_is_started_again(void) {
    start();
    write_epochs(1, 0, 3);
    next();
    accept();
    next();
    answer_code(404, "not_found");
    next();
    CHECK_EQUAL(request.kind, UPLOAD_START);
    answer_code(404, "device_not_found");
    next();
    CHECK_EQUAL(request.kind, UPLOAD_START);
    CHECK_EQUAL(pending(), 3);
    nor_ram_free(&flash);
}

static void conflicting_epochs_are_left_out_and_the_rest_goes_on(void) {
    start();
    write_epochs(1, 0, 10);
    next();
    accept();
    next();
    answer_with(409, "{\"code\":\"epoch_conflict\",\"errors\":[{\"epoch_index\":0},{\"epoch_index\":4},"
                     "{\"epoch_index\":5},{\"epoch_index\":77}]}");
    CHECK(up.ready_ms <= now);
    CHECK_EQUAL(up.part_limit, UPLOAD_MOST_EPOCHS);
    CHECK(next());
    CHECK(up.batch.first_index == 1 && up.batch.count == 3);
    accept();
    CHECK(next());
    CHECK(up.batch.first_index == 6 && up.batch.count == 4);
    accept();
    CHECK_EQUAL(pending(), 0);
    CHECK_EQUAL(up.counts.conflicts, 3);
    CHECK_EQUAL(up.counts.uploaded, 7);
    write_epochs(2, 0, 10); /* the same indices of another night are not meant */
    drain();
    CHECK_EQUAL(up.counts.uploaded, 17);
    nor_ram_free(&flash);
}

static void a_conflict_that_names_nobody_is_looked_for_by_halves(void) {
    start();
    write_epochs(1, 0, 4);
    next();
    accept();
    next();
    answer_code(409, "epoch_conflict");
    CHECK_EQUAL(up.part_limit, 2);
    next();
    CHECK_EQUAL(up.batch.count, 2);
    nor_ram_free(&flash);
}

static void each_bad_epoch_gets_its_three_tries(void) {
    start();
    write_epochs(1, 0, 2);
    int requests = 0;
    while (requests < 20 && next()) {
        requests++;
        if (request.kind == UPLOAD_START) {
            accept();
        } else {
            answer_code(422, "validation_error");
        }
    }
    CHECK_EQUAL(requests, 1 + 1 + 3 + 3);
    CHECK_EQUAL(up.counts.requests, requests);
    CHECK_EQUAL(up.counts.quarantined, 2);
    nor_ram_free(&flash);
}

static void a_batch_of_two_is_halved_too(void) {
    start();
    write_epochs(1, 0, 2);
    next();
    accept();
    next();
    answer_code(413, "payload_too_large");
    CHECK_EQUAL(up.size_limit, 1);
    nor_ram_free(&flash);
}

static void a_name_that_is_too_long_ends_where_its_room_ends(void) {
    char name[100];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    start();
    uploader_init(&up, &store, name, name, 0);
    CHECK_EQUAL(strlen(up.external_id), UPLOAD_NAME_BYTES - 1);
    CHECK_EQUAL(strlen(up.time_zone), UPLOAD_NAME_BYTES - 1);
    nor_ram_free(&flash);
}

static void past_epochs_are_counted_and_passed_over(void) {
    start();
    write_epochs(1, 0, 4);
    next();
    accept();
    next();
    answer_with(409, "{\"code\":\"past_retention\",\"errors\":[{\"epoch_index\":0},{\"epoch_index\":1}]}");
    drain();
    CHECK_EQUAL(up.counts.past_retention, 2);
    CHECK_EQUAL(up.counts.uploaded, 2);
    write_epochs(2, 0, 5);
    write_epochs(3, 0, 5);
    next();
    CHECK_EQUAL(request.kind, UPLOAD_START);
    answer_code(409, "past_retention");
    CHECK(next());
    CHECK_EQUAL(up.batch.recording, 3);
    CHECK_EQUAL(up.counts.past_retention, 7);
    drain();
    CHECK_EQUAL(pending(), 0);
    nor_ram_free(&flash);
}

static void another_conflict_waits(void) {
    start();
    write_epochs(1, 0, 4);
    next();
    answer_code(409, "device_retired");
    CHECK(up.ready_ms > now);
    next();
    accept();
    next();
    answer_code(409, "idempotency_in_flight");
    CHECK(up.ready_ms > now);
    CHECK_EQUAL(pending(), 4);
    nor_ram_free(&flash);
}

static void too_large_a_batch_is_halved_for_good(void) {
    start();
    write_epochs(1, 0, 100);
    next();
    accept();
    next();
    CHECK_EQUAL(up.batch.count, 100);
    answer_code(413, "payload_too_large");
    next();
    CHECK_EQUAL(up.batch.count, 50);
    accept();
    CHECK(up.ready_ms <= now);
    next();
    CHECK_EQUAL(up.batch.count, 50);
    up.batch.count = 1;
    answer_code(413, "payload_too_large");
    CHECK(up.ready_ms > now);
    CHECK_EQUAL(up.size_limit, 50);
    nor_ram_free(&flash);
}

/* The server refuses whatever holds epoch 37. */
static void one_bad_epoch_is_found_and_quarantined(void) {
    start();
    write_epochs(1, 0, 100);
    int requests = 0;
    while (requests < 60 && next()) {
        bool has_bad = request.kind == UPLOAD_EPOCHS && up.batch.first_index <= 37 &&
                       37 < up.batch.first_index + up.batch.count;
        if (has_bad) {
            answer_code(422, "validation_error");
        } else {
            accept();
        }
        requests++;
    }
    CHECK_EQUAL(up.counts.quarantined, 1);
    CHECK_EQUAL(up.counts.uploaded, 99);
    CHECK_EQUAL(pending(), 0);
    CHECK(requests < 40);
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence, notes = 0;
    while (flash_log_next(&store, &at, &record, &sequence)) {
        if (record.type == LOG_QUARANTINED) {
            notes++;
            CHECK(record.index == 37 && record.payload[4] == LEFT_REFUSED);
        }
    }
    CHECK_EQUAL(notes, 1);
    nor_ram_free(&flash);
}

static void a_bad_epoch_gets_three_tries(void) {
    start();
    write_epochs(1, 0, 1);
    next();
    accept();
    for (int i = 0; i < 2; i++) {
        next();
        answer_code(422, "validation_error");
        CHECK_EQUAL(pending(), 1);
        CHECK(up.ready_ms > now);
    }
    next();
    answer_code(422, "validation_error");
    CHECK_EQUAL(pending(), 0);
    nor_ram_free(&flash);
}

static void another_schema_throws_nothing_away(void) {
    start();
    write_epochs(1, 0, 5);
    next();
    answer_code(422, "validation_error"); /* of the start: no epoch is to blame */
    next();
    accept();
    for (int i = 0; i < 20; i++) {
        next();
        answer_code(422, "feature_schema_mismatch");
        CHECK(up.ready_ms > now);
    }
    CHECK_EQUAL(pending(), 5);
    nor_ram_free(&flash);
}

static void an_untimed_night_waits_for_its_time_record(void) {
    start();
    write_at(1, 0, -5000);
    write_at(1, 1, -35000);
    CHECK(!next());
    CHECK_EQUAL(up.waits_for_time, 1);
    CHECK_EQUAL(up.ready_ms, now + 5000);
    log_record other = {.type = LOG_TIME, .recording = 2, .at_ms = NIGHT_MS};
    log_record record = {.type = LOG_TIME, .recording = 1, .at_ms = NIGHT_MS + 7};
    uint32_t sequence;
    flash_log_append(&store, &other, &sequence);
    CHECK(!next());
    flash_log_append(&store, &record, &sequence);
    CHECK(next());
    CHECK(strstr(body, "\"2025-11-20T22:00:00.007Z\"") != NULL);
    CHECK_EQUAL(up.waits_for_time, 0);
    nor_ram_free(&flash);
}

static void without_wall_time_it_asks_for_it(void) {
    start();
    write_epochs(1, 0, 1);
    now = up.ready_ms;
    CHECK(uploader_next(&up, now, false, &request));
    CHECK_EQUAL(request.kind, UPLOAD_ASK_TIME);
    CHECK_EQUAL(uploader_body(&up, 0, body, sizeof body), request.length);
    CHECK(memcmp(body, "{}", 2) == 0);
    answer_code(401, "missing_token");
    CHECK(up.ready_ms > now);
    CHECK(uploader_next(&up, up.ready_ms, false, &request));
    answer_with(200, "{}");
    CHECK(up.ready_ms > now);
    nor_ram_free(&flash);
}

static void uploads_keep_their_distance(void) {
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < 16; i++) {
        start();
        write_epochs(1, 0, 2);
        next();
        accept();
        next();
        upload_answer answer = {200, 0, echo_of(ID, 0, 1, up.batch.crc), 0};
        answer.length = strlen(answer.body);
        uploader_answered(&up, &answer, now, i * 0x11111111);
        least = up.ready_ms - now < least ? up.ready_ms - now : least;
        most = up.ready_ms - now > most ? up.ready_ms - now : most;
        nor_ram_free(&flash);
    }
    CHECK_EQUAL(least, 225000);
    CHECK_EQUAL(most, 374999);
}

static void a_log_that_fails_is_told(void) {
    start();
    write_epochs(1, 0, 2);
    next();
    accept();
    next();
    flash.is_off = true;
    upload_answer answer = {200, 0, echo_of(ID, 0, 1, up.batch.crc), 0};
    answer.length = strlen(answer.body);
    CHECK_EQUAL(uploader_answered(&up, &answer, now, 0), LOG_FAILED);
    CHECK_EQUAL(uploader_body(&up, 200, body, 100), 0);
    nor_ram_free(&flash);
    start();
    write_epochs(1, 0, 2);
    next();
    answer_code(409, "past_retention");
    flash.silent_per_65536 = 65536;
    CHECK(!next());
    nor_ram_free(&flash);
}

void uploader_suite(void) {
    RUN(a_night_is_started_then_sent);
    RUN(without_a_time_zone_the_tenants_holds);
    RUN(the_same_bytes_come_in_pieces_of_any_size);
    RUN(a_retry_has_identical_bytes);
    RUN(batches_end_at_their_size_at_gaps_and_at_recordings);
    RUN(an_epoch_that_stands_twice_is_sent_once);
    RUN(only_an_exact_echo_acknowledges);
    RUN(silence_and_5xx_wait_with_full_jitter);
    RUN(retry_after_is_kept);
    RUN(a_lockout_gets_one_new_token_then_patience);
    RUN(a_later_lockout_gets_a_new_token_at_once_again);
    RUN(a_night_that_goes_on_after_a_boot_is_started_where_it_began);
    RUN(an_epoch_behind_the_batch_is_not_named_by_its_answer);
    RUN(behind_a_quarantined_epoch_batches_are_whole_again);
    RUN(a_recording_that_is_gone_is_started_again);
    RUN(conflicting_epochs_are_left_out_and_the_rest_goes_on);
    RUN(a_conflict_that_names_nobody_is_looked_for_by_halves);
    RUN(each_bad_epoch_gets_its_three_tries);
    RUN(a_batch_of_two_is_halved_too);
    RUN(a_name_that_is_too_long_ends_where_its_room_ends);
    RUN(past_epochs_are_counted_and_passed_over);
    RUN(another_conflict_waits);
    RUN(too_large_a_batch_is_halved_for_good);
    RUN(one_bad_epoch_is_found_and_quarantined);
    RUN(a_bad_epoch_gets_three_tries);
    RUN(another_schema_throws_nothing_away);
    RUN(an_untimed_night_waits_for_its_time_record);
    RUN(without_wall_time_it_asks_for_it);
    RUN(uploads_keep_their_distance);
    RUN(a_log_that_fails_is_told);
}
