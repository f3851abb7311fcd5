#include <string.h>

#include "../check.h"
#include "board.h"
#include "releases.h"
#include "suites.h"

#define SECTORS 40
#define EVENING 1763676000000
#define ID "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d"

static board box;
static app device;
static int started_count, ingested_count, network_status;
static bool was_tokenless;

/* A server that takes everything, or answers with one status. */
static void serve(board *board, const http_request *request, http_answer *answer) {
    static char body[12000];
    size_t length = request->body(request->source, 0, body, sizeof body);
    CHECK_EQUAL(length, request->length);
    was_tokenless = request->token == NULL;
    answer->status = network_status;
    answer->date_ms = network_status != 0 ? board_wall_ms(board) : 0;
    if (network_status != 200) {
        return;
    }
    if (was_tokenless) {
        answer->status = 401;
    } else if (strcmp(request->path, "/v1/recordings:start") == 0) {
        started_count++;
        answer->length = (size_t)snprintf(answer->body, answer->size, "{\"id\":\"" ID "\"}");
    } else {
        const upload_batch *batch = &device.uploader.batch;
        ingested_count += batch->count;
        answer->length = (size_t)snprintf(
            answer->body, answer->size,
            "{\"recording_id\":\"" ID "\",\"first_index\":%d,\"last_index\":%d,\"checksum\":\"%08x\"}",
            batch->first_index, batch->first_index + batch->count - 1, (unsigned)batch->crc);
    }
}

static const app_start how = {.port = &box.port, .log_sectors = SECTORS, .allows_plain_http = true,
                              .version = "1.2.3"};

static void provision(void) {
    device_config config = {.format = CONFIG_FORMAT, .server_url = "http://localhost",
                            .external_id = "NB-1", .key_id = "k", .client_id = "c", .tenant_id = "t",
                            .time_zone = "Europe/Berlin"};
    two_copies config_store;
    device_config before;
    two_copies_load(&config_store, &box.flash.nor, SECTORS + APP_CONFIG_AT, &before, sizeof before);
    CHECK(two_copies_save(&config_store, &config, sizeof config));
}

static void start_box(void) {
    board_init(&box, SECTORS, 11);
    box.true_wall_ms = EVENING;
    box.http = serve;
    box.has_sntp = true;
    network_status = 200;
    started_count = ingested_count = 0;
    box.signals = (board_signals){.is_present = true, .is_in_bed = true, .heart_bpm = 58,
                                  .breaths_per_min = 14, .accel = {0, 0, 16384}};
    memset(box.signals.wave, 128, sizeof box.signals.wave);
    provision();
    app_boot(&device, &how);
}

static void run(uint32_t seconds) {
    for (uint32_t i = 0; i < seconds * 100; i++) {
        box.mono_ms += NOC_SAMPLE_MS;
        app_sample(&device);
        if (box.mono_ms % 1000 == 0) {
            app_store(&device);
            app_network(&device);
        }
    }
}

static uint32_t count_epochs(log_record *last) {
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence, count = 0;
    memset(last, 0, sizeof *last);
    while (flash_log_next(&device.log, &at, &record, &sequence)) {
        if (record.type == LOG_EPOCH) {
            *last = record;
            count++;
        }
    }
    return count;
}

static void a_night_in_bed_is_recorded_and_uploaded(void) {
    log_record last;
    start_box();
    run(60 + 30 * 20 + 5);
    CHECK_EQUAL(count_epochs(&last), 20);
    CHECK_EQUAL(last.index, 19);
    CHECK(last.at_ms > EVENING && (last.at_ms - device.night_wall_ms) == 19 * NOC_EPOCH_MS);
    uint16_t hr = (uint16_t)(last.payload[2] | last.payload[3] << 8);
    CHECK(dequantise(F_HR_MEAN, hr) == 58.0f);
    CHECK_EQUAL(last.payload[22] & FLAG_COMPLETE, FLAG_COMPLETE);
    run(400);
    CHECK_EQUAL(started_count, 1);
    CHECK(ingested_count >= 20);
    CHECK_EQUAL(device.sampler.missed_ticks, 0);
    CHECK(box.kicks > 100);
    CHECK(!device.has_storage_fault);
    board_free(&box);
}

static void a_network_that_stalls_for_ten_minutes_costs_no_tick(void) {
    start_box();
    run(120);
    uint32_t ticks = device.sampler.ticks, kicks = box.kicks;
    for (uint32_t i = 0; i < 600 * 100; i++) { /* app_network does not come back */
        box.mono_ms += NOC_SAMPLE_MS;
        app_sample(&device);
        if (box.mono_ms % 1000 == 0) {
            app_store(&device);
        }
    }
    CHECK_EQUAL(device.sampler.ticks - ticks, 6000);
    CHECK_EQUAL(device.sampler.missed_ticks, 0);
    CHECK_EQUAL(device.sampler.closed.refused, 0);
    CHECK(box.kicks <= kicks + 1); /* and the watchdog was not fed meanwhile */
    kicks = box.kicks;
    run(2);
    CHECK_EQUAL(box.kicks, kicks + 1);
    board_free(&box);
}

static void a_tick_that_comes_late_is_counted(void) {
    start_box();
    run(1);
    box.mono_ms += 1000;
    app_sample(&device);
    CHECK_EQUAL(device.sampler.missed_ticks, 9);
    board_free(&box);
}

static void a_night_goes_on_after_a_power_cut(void) {
    log_record last, next;
    start_box();
    run(60 + 30 * 10 + 5);
    count_epochs(&last);
    board_reboot(&box, 60000);
    app_boot(&device, &how);
    CHECK(device.sampler.is_recording);
    run(70);
    CHECK(count_epochs(&next) >= 11);
    CHECK_EQUAL(next.recording, last.recording);
    CHECK(next.index >= last.index + 3);
    /* The chip holds whole seconds: the grid stays within its tolerance. */
    CHECK_EQUAL(next.at_ms - last.at_ms, (next.index - last.index) * NOC_EPOCH_MS);
    board_free(&box);
}

static void a_long_cut_or_a_lost_clock_starts_a_new_night(void) {
    log_record last, next;
    start_box();
    run(60 + 30 * 3 + 5);
    count_epochs(&last);
    board_reboot(&box, 3600000);
    app_boot(&device, &how);
    CHECK(!device.sampler.is_recording);
    run(60 + 35);
    count_epochs(&next);
    CHECK_EQUAL(next.recording, last.recording + 1);
    CHECK_EQUAL(next.index, 0);
    board_reboot(&box, 60000);
    box.rtc_status = RTC_STOPPED;
    box.has_sntp = false;
    app_boot(&device, &how);
    CHECK(!device.sampler.is_recording);
    board_free(&box);
}

/* Its chip had stopped, and nobody answers. */
static void start_box_without_time(void) {
    start_box();
    box.has_sntp = false;
    network_status = 0;
    board_reboot(&box, 0);
    box.true_wall_ms = EVENING;
    box.rtc_status = RTC_STOPPED;
    app_boot(&device, &how);
}

static void a_night_without_a_clock_is_placed_when_time_comes(void) {
    log_record last;
    start_box_without_time();
    run(60 + 30 * 3 + 5);
    CHECK_EQUAL(count_epochs(&last), 3);
    CHECK(last.at_ms < 0);
    network_status = 200; /* the first answer is a 401, and has a Date */
    run(2000);
    CHECK(ingested_count >= 3);
    CHECK_EQUAL(started_count, 1);
    CHECK(!was_tokenless);
    CHECK(llabs(device.night_wall_ms - (EVENING + 60000)) < 5000);
    CHECK_EQUAL(box.rtc_status, 0);
    board_free(&box);
}

static void a_night_that_lost_power_before_it_had_time_is_placed_before_the_next_boot(void) {
    log_record last;
    start_box_without_time();
    run(60 + 30 * 3 + 5);
    CHECK_EQUAL(count_epochs(&last), 3);
    board_reboot(&box, 5000);
    box.signals.is_in_bed = false;
    network_status = 200;
    app_boot(&device, &how);
    int64_t booted = board_wall_ms(&box);
    run(400);
    CHECK_EQUAL(ingested_count, 3);
    CHECK_EQUAL(device.uploader.started_at_ms / 10000, (booted - 3 * NOC_EPOCH_MS) / 10000);
    board_free(&box);
}

static void a_wrong_clock_is_corrected_and_told(void) {
    log_record record;
    start_box();
    run(130);
    box.true_wall_ms += 3600000;
    run(2);
    log_position at = flash_log_begin();
    uint32_t sequence;
    int corrections = 0;
    int64_t grid = device.night_wall_ms;
    while (flash_log_next(&device.log, &at, &record, &sequence)) {
        corrections += record.type == LOG_TIME && record.recording == 0;
    }
    CHECK_EQUAL(corrections, 1);
    run(60);
    CHECK_EQUAL(device.night_wall_ms, grid); /* published epochs do not move */
    board_free(&box);
}

static void a_night_ends_after_an_hour_out_of_bed_and_after_a_day(void) {
    start_box();
    run(60 + 40);
    CHECK(device.sampler.is_recording);
    box.signals.is_in_bed = box.signals.is_present = false;
    run(3600 + 60);
    CHECK(!device.sampler.is_recording);
    box.signals.is_in_bed = true;
    run(70);
    CHECK(device.sampler.is_recording);
    device.sampler.next_index = NOC_MAX_EPOCHS - 1;
    device.sampler.night_started_ms -= (NOC_MAX_EPOCHS - 1) * (int64_t)NOC_EPOCH_MS;
    run(31);
    CHECK(!device.sampler.is_recording);
    board_free(&box);
}

static void dead_sensors_leave_gaps_and_the_box_goes_on(void) {
    log_record last;
    start_box();
    run(60 + 35);
    box.signals.is_radar_dead = box.signals.is_imu_dead = true;
    run(120);
    count_epochs(&last);
    CHECK(sampler_has_sensor_fault(&device.sampler, box.mono_ms));
    CHECK_EQUAL(last.payload[2] & last.payload[3], 0xFF);
    CHECK(box.led.red > box.led.green && box.led.green > 0);
    box.signals.is_radar_dead = box.signals.is_imu_dead = false;
    run(60);
    CHECK(!sampler_has_sensor_fault(&device.sampler, box.mono_ms));
    board_free(&box);
}

static void an_overflown_fifo_is_emptied(void) {
    start_box();
    run(1);
    box.imu_read_ms -= 60000;
    run(2);
    CHECK(device.sampler.has_imu);
    CHECK(box.imu_read_ms + 1000 > box.mono_ms);
    board_free(&box);
}

static void noise_on_the_wire_costs_frames_and_nothing_else(void) {
    log_record last;
    start_box();
    run(70);
    box.signals.noise = 10;
    run(90);
    count_epochs(&last);
    uint16_t hr = (uint16_t)(last.payload[2] | last.payload[3] << 8);
    CHECK(dequantise(F_HR_MEAN, hr) == 58.0f);
    CHECK(device.sampler.parser.dropped > 0);
    board_free(&box);
}

static void a_box_without_configuration_records_but_sends_nothing(void) {
    log_record last;
    board_init(&box, SECTORS, 11);
    box.http = serve;
    box.signals = (board_signals){.is_present = true, .is_in_bed = true};
    started_count = 0;
    app_boot(&device, &how);
    run(60 + 35);
    CHECK_EQUAL(count_epochs(&last), 1);
    CHECK_EQUAL(device.uploader.counts.requests, 0);
    CHECK(box.led.red == 0 && box.led.green == box.led.blue);
    board_free(&box);
}

static void a_box_that_is_set_up_sends_from_its_next_boot_on(void) {
    start_box();
    device_config other = device.config, none = {0};
    memcpy(other.external_id, "NB-2", 5);
    CHECK(!app_configure(&device, &none));
    CHECK(app_configure(&device, &other));
    device.is_setting_up = true;
    run(10);
    CHECK(box.led.red == 0 && box.led.green == box.led.blue && box.led.blue > 0);
    board_reboot(&box, 1000);
    app_boot(&device, &how);
    CHECK(strcmp(device.config.external_id, "NB-2") == 0);
    board_free(&box);
}

static void a_crashing_box_ends_in_safe_mode_and_a_healthy_one_leaves_it(void) {
    start_box();
    for (int i = 0; i < 6; i++) {
        board_reboot(&box, 1000);
        app_boot(&device, &how);
    }
    CHECK(device.supervisor.is_safe_mode);
    run(120);
    CHECK_EQUAL(device.sampler.ticks, 0);
    board_reboot(&box, 1000);
    app_boot(&device, &how);
    CHECK(!device.supervisor.is_safe_mode);
    board_free(&box);
}

static void an_update_is_confirmed_by_a_working_night(void) {
    start_box();
    network_status = 0;
    device.ota.state.phase = OTA_TRIAL;
    device.ota.state.trial_slot = 1;
    device.ota.state.trial_counter = 4;
    run(60 + 35);
    CHECK_EQUAL(device.ota.state.phase, OTA_TRIAL);
    network_status = 200;
    run(900);
    CHECK_EQUAL(device.ota.state.phase, OTA_IDLE);
    CHECK_EQUAL(device.ota.state.counter, 4);
    board_free(&box);
}

static uint8_t manifest[OTA_MANIFEST_BYTES], image[1000];

static void offer(void *context, ota_part part, uint32_t offset, uint8_t *bytes, size_t size,
                  piece_answer *answer) {
    (void)context;
    size_t whole = part == PART_MANIFEST ? sizeof manifest : sizeof image;
    *answer = (piece_answer){.status = 206, .offset = offset, .length = whole - offset};
    answer->length = answer->length < size ? answer->length : size;
    memcpy(bytes, (part == PART_MANIFEST ? manifest : image) + offset, answer->length);
}

static void a_new_image_waits_for_the_end_of_the_night(void) {
    start_box();
    release_make(manifest, image, sizeof image, 2, 1);
    run(70);
    box.port.updates.get = offer;
    device.fetch.ready_ms = 0;
    run(30);
    CHECK(device.has_new_image && device.sampler.is_recording && !box.flash.is_off);
    CHECK(memcmp(box.images[1], image, sizeof image) == 0);
    box.signals.is_in_bed = box.signals.is_present = false;
    run(3700);
    CHECK(!device.sampler.is_recording && box.flash.is_off); /* rebooting */
    board_reboot(&box, 1000);
    app_boot(&device, &how);
    CHECK_EQUAL(device.ota.state.phase, OTA_READY); /* this start was told the first slot */
    board_free(&box);
}

static void a_signer_that_fails_sends_no_stale_token(void) {
    start_box();
    run(100);
    device.token_ends_ms = 0;
    device.config.key_id[0] = 0;
    memset(device.config.key_id, 1, sizeof device.config.key_id - 1);
    memset(device.config.client_id, 1, sizeof device.config.client_id - 1);
    device.config.client_id[sizeof device.config.client_id - 1] = 0;
    run(700);
    CHECK(was_tokenless);
    board_free(&box);
}

static void broken_storage_is_shown_in_red(void) {
    start_box();
    run(70);
    box.flash.silent_per_65536 = 65536;
    CHECK_EQUAL(device.unstored, 0);
    run(120);
    CHECK_EQUAL(device.unstored, 4);
    CHECK(device.has_storage_fault);
    CHECK(box.led.red > 0 && box.led.green == 0);
    board_free(&box);
}

static void a_heartbeat_says_how_the_box_is(void) {
    static char text[1000];
    start_box();
    run(10);
    size_t length = app_heartbeat(&device, text, sizeof text);
    CHECK_EQUAL(length, strlen(text));
    CHECK(strstr(text, "\"boot_reason\":\"power\",\"is_safe_mode\":false,\"boots\":1,") != NULL);
    CHECK(strstr(text, "\"epochs_lost\":0,\"epochs_not_stored\":0,") != NULL);
    CHECK_EQUAL(app_heartbeat(&device, text, 100), 0);
    board_free(&box);
}

void app_suite(void) {
    RUN(a_night_in_bed_is_recorded_and_uploaded);
    RUN(a_network_that_stalls_for_ten_minutes_costs_no_tick);
    RUN(a_tick_that_comes_late_is_counted);
    RUN(a_night_goes_on_after_a_power_cut);
    RUN(a_long_cut_or_a_lost_clock_starts_a_new_night);
    RUN(a_night_without_a_clock_is_placed_when_time_comes);
    RUN(a_night_that_lost_power_before_it_had_time_is_placed_before_the_next_boot);
    RUN(a_wrong_clock_is_corrected_and_told);
    RUN(a_night_ends_after_an_hour_out_of_bed_and_after_a_day);
    RUN(dead_sensors_leave_gaps_and_the_box_goes_on);
    RUN(an_overflown_fifo_is_emptied);
    RUN(noise_on_the_wire_costs_frames_and_nothing_else);
    RUN(a_box_without_configuration_records_but_sends_nothing);
    RUN(a_box_that_is_set_up_sends_from_its_next_boot_on);
    RUN(a_crashing_box_ends_in_safe_mode_and_a_healthy_one_leaves_it);
    RUN(an_update_is_confirmed_by_a_working_night);
    RUN(a_new_image_waits_for_the_end_of_the_night);
    RUN(a_signer_that_fails_sends_no_stale_token);
    RUN(broken_storage_is_shown_in_red);
    RUN(a_heartbeat_says_how_the_box_is);
}
