#include "noctis/app.h"

#include <string.h>

#include "noctis/bytes.h"
#include "noctis/json_emit.h"

/* A night goes on after a reboot if its newest epoch is younger than this. */
#define RESUME_MS (10 * 60000)
#define UNKNOWN_TIME (-1)
#define NIGHT_FROM_HOUR 21
#define NIGHT_TO_HOUR 8

static uint64_t now_of(const app *app) { return app->port->mono_ms(app->port->context); }

static uint32_t random_of(const app *app) { return app->port->random(app->port->context); }

static void append(app *app, const log_record *record) {
    uint32_t sequence;
    bool is_kept = flash_log_append(&app->log, record, &sequence) == LOG_OK;
    app->has_storage_fault |= !is_kept;
    app->unstored += !is_kept && record->type == LOG_EPOCH;
}

static void read_rtc(app *app) {
    const device_port *port = app->port;
    const uint8_t time_at = 0, status_at = RTC_STATUS;
    uint8_t time[RTC_TIME_BYTES], status;
    int64_t wall_ms;
    if (port->i2c(port->context, RTC_ADDRESS, &time_at, 1, time, sizeof time) &&
        port->i2c(port->context, RTC_ADDRESS, &status_at, 1, &status, 1) &&
        rtc_decode(time, status, &wall_ms)) {
        clock_offer(&app->clock, CLOCK_RTC, wall_ms, now_of(app));
    }
}

/* Sets the chip and clears its "stopped" flag: from now on it may be trusted. */
static void write_rtc(app *app, int64_t wall_ms) {
    const device_port *port = app->port;
    uint8_t time[1 + RTC_TIME_BYTES] = {0};
    const uint8_t status[2] = {RTC_STATUS, 0};
    rtc_encode(wall_ms, time + 1);
    if (port->i2c(port->context, RTC_ADDRESS, time, sizeof time, NULL, 0)) {
        (void)port->i2c(port->context, RTC_ADDRESS, status, sizeof status, NULL, 0);
    }
}

/* A correction is told by a record of its own; what was published stays where it is. */
static void take_time(app *app, clock_source source, int64_t wall_ms) {
    uint64_t now_ms = now_of(app);
    bool was_trusted = clock_is_trusted(&app->clock);
    int64_t before = clock_wall_ms(&app->clock, now_ms);
    if (wall_ms <= 0 || !clock_offer(&app->clock, source, wall_ms, now_ms)) {
        return;
    }
    write_rtc(app, wall_ms);
    app->port->set_wall(app->port->context, wall_ms);
    if (was_trusted) {
        log_record record = {.type = LOG_TIME, .at_ms = wall_ms};
        put_le64(record.payload, (uint64_t)(wall_ms - before));
        record.payload[8] = (uint8_t)source;
        append(app, &record);
    }
}

static void boot_supervisor(app *app) {
    crash_record before;
    const device_port *port = app->port;
    if (!two_copies_load(&app->crash_store, &port->nor, app->start.log_sectors + APP_CRASH_AT,
                         &before, sizeof before)) {
        memset(&before, 0, sizeof before);
    }
    supervisor_boot(&app->supervisor, &before, app->start.reason, app->start.crashed_at, now_of(app));
    app->has_storage_fault |=
        !two_copies_save(&app->crash_store, &app->supervisor.record, sizeof before);
}

static void load_config(app *app) {
    bool is_loaded = two_copies_load(&app->config_store, &app->port->nor,
                                     app->start.log_sectors + APP_CONFIG_AT, &app->config, sizeof app->config);
    app->is_configured =
        is_loaded && config_check(&app->config, app->start.allows_plain_http) == CONFIG_OK;
    if (!app->is_configured) {
        memset(&app->config, 0, sizeof app->config);
    }
}

static void resume_night(app *app) {
    log_record newest;
    uint64_t now_ms = now_of(app);
    int64_t wall_ms = clock_wall_ms(&app->clock, now_ms);
    if (!clock_is_trusted(&app->clock) || !flash_log_newest_epoch(&app->log, &newest) ||
        newest.at_ms < 0 || wall_ms < newest.at_ms + NOC_EPOCH_MS ||
        wall_ms > newest.at_ms + RESUME_MS) {
        return;
    }
    app->night_wall_ms = newest.at_ms - (int64_t)newest.index * NOC_EPOCH_MS;
    app->night_started_ms = (int64_t)now_ms - (wall_ms - app->night_wall_ms);
    if (newest.index + RESUME_MS / NOC_EPOCH_MS + 2 >= NOC_MAX_EPOCHS) {
        return;
    }
    app->recording = newest.recording;
    sampler_resume(&app->sampler, app->night_started_ms, now_ms);
    app->night = app->sampler.night;
}

void app_boot(app *app, const app_start *start) {
    memset(app, 0, sizeof *app);
    app->start = *start;
    app->port = start->port;
    app->night_wall_ms = UNKNOWN_TIME;
    boot_supervisor(app);
    load_config(app);
    app->has_storage_fault |=
        flash_log_mount(&app->log, &app->port->nor, 0, start->log_sectors) != LOG_OK;
    app->has_storage_fault |= ota_boot(&app->ota, &app->port->ota, &app->port->nor,
                                       start->log_sectors + APP_OTA_AT, start->running_slot) == OTA_STORAGE;
    ota_fetch_init(&app->fetch, &app->ota, &app->port->updates, &app->port->nor,
                   start->log_sectors + APP_FETCH_AT, random_of(app));
    read_rtc(app);
    sampler_init(&app->sampler, app->port, now_of(app));
    app->sampler.is_clock_trusted = clock_is_trusted(&app->clock);
    log_record boot = {.type = LOG_BOOT, .recording = app->log.last_recording};
    put_le32(boot.payload, app->supervisor.record.boots);
    boot.payload[4] = (uint8_t)start->reason;
    append(app, &boot);
    resume_night(app);
    uploader_init(&app->uploader, &app->log, app->config.external_id, app->config.time_zone,
                  random_of(app));
}

void app_sample(app *app) {
    uint64_t now_ms = now_of(app);
    if (!app->supervisor.is_safe_mode) {
        sampler_step(&app->sampler, now_ms);
    }
    supervisor_report(&app->supervisor, TASK_SAMPLING);
}

/* From now on epochs of the night stand on wall time, and earlier ones can be placed too. */
static void place_night(app *app) {
    if (app->recording == 0 || app->night_wall_ms >= 0 || !clock_is_trusted(&app->clock)) {
        return;
    }
    app->night_wall_ms = app->night_started_ms + app->clock.offset_ms;
    log_record record = {
        .type = LOG_TIME, .recording = app->recording, .at_ms = app->night_wall_ms};
    append(app, &record);
}

/* A night that ended with its boot before anybody told the time: it is put where this boot began,
 * the latest that it can have been. */
static void place_lost_night(app *app) {
    uint32_t waiting = app->uploader.waits_for_time;
    if (waiting == 0 || waiting == app->recording || !clock_is_trusted(&app->clock)) {
        return;
    }
    int64_t booted_ms = (int64_t)app->supervisor.booted_ms + app->clock.offset_ms;
    log_position at = app->uploader.batch.at;
    log_record found, record = {.type = LOG_TIME, .recording = waiting};
    uint32_t sequence, epochs = 0;
    while (flash_log_next(&app->log, &at, &found, &sequence)) {
        if (found.type == LOG_EPOCH && found.recording == waiting) {
            epochs = (uint32_t)found.index + 1;
        }
    }
    record.at_ms = booted_ms - (int64_t)epochs * NOC_EPOCH_MS;
    record.payload[9] = 1; /* an estimate */
    append(app, &record);
    app->uploader.waits_for_time = 0;
}

static void store_epoch(app *app, const closed_epoch *epoch) {
    if (epoch->night != app->night) {
        app->night = epoch->night;
        app->recording = app->log.last_recording + 1;
        app->night_started_ms = epoch->night_started_ms;
        app->night_wall_ms = UNKNOWN_TIME;
        place_night(app);
    }
    int64_t since_ms = (int64_t)epoch->index * NOC_EPOCH_MS;
    bool is_placed = app->night_wall_ms >= 0;
    log_record record = {
        .type = LOG_EPOCH,
        .index = epoch->index,
        .recording = app->recording,
        .at_ms = is_placed ? app->night_wall_ms + since_ms : -1 - app->night_started_ms - since_ms,
    };
    for (int i = 0; i < NOC_FEATURES; i++) {
        put_le16(record.payload + 2 * i, epoch->codes[i]);
    }
    append(app, &record);
}

static bool is_night(const app *app, uint64_t now_ms) {
    int hour = civil_from_ms(clock_wall_ms(&app->clock, now_ms)).hour;
    return !clock_is_trusted(&app->clock) || hour >= NIGHT_FROM_HOUR || hour < NIGHT_TO_HOUR;
}

static void show(app *app, uint64_t now_ms) {
    led_facts facts = {
        .is_booting = now_ms - app->supervisor.booted_ms < 2000,
        .is_provisioning = !app->is_configured || app->is_setting_up,
        .is_updating = app->ota.is_receiving,
        .has_storage_fault = app->has_storage_fault,
        .has_sensor_fault = sampler_has_sensor_fault(&app->sampler, now_ms),
        .is_recording = app->sampler.is_recording,
        .is_online = app->is_online,
        .is_night = is_night(app, now_ms),
    };
    app->port->set_led(app->port->context, led_show(&facts, now_ms));
}

static void confirm_update(app *app, uint64_t now_ms) {
    ota_evidence evidence = {
        .sensors_seen = !sampler_has_sensor_fault(&app->sampler, now_ms),
        .log_mounted = app->log.is_open,
        .uploaded_once = app->uploader.counts.uploaded > 0,
    };
    app->has_storage_fault |= ota_confirm(&app->ota, &evidence) == OTA_STORAGE;
}

void app_store(app *app) {
    uint64_t now_ms = now_of(app);
    closed_epoch epoch;
    take_time(app, CLOCK_SNTP, app->port->wall_ms(app->port->context));
    place_night(app);
    while (ring_get(&app->sampler.closed, &epoch)) {
        store_epoch(app, &epoch);
    }
    place_lost_night(app);
    confirm_update(app, now_ms);
    app->sampler.is_clock_trusted = clock_is_trusted(&app->clock);
    supervisor_report(&app->supervisor, TASK_STORAGE);
    if (supervisor_may_feed(&app->supervisor, now_ms)) {
        app->port->kick_watchdog(app->port->context);
    }
    if (supervisor_became_healthy(&app->supervisor, now_ms)) {
        (void)two_copies_save(&app->crash_store, &app->supervisor.record, sizeof(crash_record));
    }
    show(app, now_ms);
}

static const char *token_of(app *app, bool is_refused, uint64_t now_ms) {
    int64_t wall_ms = clock_wall_ms(&app->clock, now_ms);
    if (is_refused || wall_ms > app->token_ends_ms - TOKEN_RENEW_S * 1000) {
        app->token_ends_ms = 0;
        if (!token_make(&app->config, &app->port->signer, wall_ms, app->token)) {
            return NULL;
        }
        app->token_ends_ms = wall_ms + TOKEN_LIFE_S * 1000;
    }
    return app->token;
}

static size_t body_of(void *source, size_t offset, char *text, size_t size) {
    return uploader_body(source, offset, text, size);
}

static void exchange(app *app, const upload_request *wanted) {
    bool needs_token = wanted->kind != UPLOAD_ASK_TIME;
    http_request request = {
        .path = wanted->path,
        .token = needs_token ? token_of(app, wanted->needs_new_token, now_of(app)) : NULL,
        .length = wanted->length,
        .body = body_of,
        .source = &app->uploader,
        .deadline_ms = APP_HTTP_DEADLINE_MS,
    };
    http_answer got = {.body = app->answer, .size = sizeof app->answer};
    app->port->http_post(app->port->context, &request, &got);
    take_time(app, CLOCK_SERVER, got.date_ms);
    app->is_online = got.status != 0;
    upload_answer answer = {got.status, got.retry_after_s, got.body, got.length};
    app->has_storage_fault |=
        uploader_answered(&app->uploader, &answer, now_of(app), random_of(app)) != LOG_OK;
}

/* A new image waits for the end of the night; a power cut starts it sooner. */
static void fetch_update(app *app) {
    if (ota_fetch_step(&app->fetch, now_of(app), random_of(app)) == FETCH_READY) {
        app->has_new_image = true;
    }
    if (app->has_new_image && !app->sampler.is_recording) {
        app->port->reboot(app->port->context, BOOT_UPDATE);
    }
}

void app_network(app *app) {
    upload_request request;
    supervisor_report(&app->supervisor, TASK_NETWORK);
    if (!app->is_configured || !app->log.is_open) {
        return;
    }
    if (uploader_next(&app->uploader, now_of(app), clock_is_trusted(&app->clock), &request)) {
        exchange(app, &request);
    } else {
        fetch_update(app);
    }
}

bool app_configure(app *app, const device_config *config) {
    return config_check(config, app->start.allows_plain_http) == CONFIG_OK &&
           two_copies_save(&app->config_store, config, sizeof *config);
}

size_t app_heartbeat(const app *app, char *text, size_t size) {
    static const char *const reasons[BOOT_REASONS] = {"power", "watchdog", "crash", "update", "asked"};
    const upload_counts *counts = &app->uploader.counts;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"boots", app->supervisor.record.boots},
        {"crashed_at", app->supervisor.record.crashed_at},
        {"epochs_lost", app->log.lost},
        {"epochs_not_stored", app->unstored + app->sampler.closed.refused},
        {"epochs_conflicting", counts->conflicts},
        {"epochs_past_retention", counts->past_retention},
        {"epochs_quarantined", counts->quarantined},
        {"failed_slots", app->log.failed_slots},
        {"failed_sectors", app->log.failed_sectors},
        {"missed_ticks", app->sampler.missed_ticks},
        {"radar_bytes_dropped", app->sampler.parser.dropped},
        {"clock_source", app->clock.source},
        {"clock_corrections", app->clock.corrections},
    };
    json_text json;
    json_start(&json, text, size);
    json_open(&json);
    json_key(&json, "device_external_id");
    json_string(&json, app->config.external_id);
    json_key(&json, "firmware_version");
    json_string(&json, app->start.version);
    json_key(&json, "boot_reason");
    json_string(&json, reasons[app->supervisor.record.reason % BOOT_REASONS]);
    json_key(&json, "is_safe_mode");
    json_boolean(&json, app->supervisor.is_safe_mode);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_key(&json, numbers[i].name);
        json_integer(&json, numbers[i].value);
    }
    json_close(&json);
    return json.is_overflown ? 0 : json.length;
}
