/* The device as a whole: three tasks' steps over the modules, joined by rings. */
#ifndef NOCTIS_APP_H
#define NOCTIS_APP_H

#include "noctis/clock_sync.h"
#include "noctis/config.h"
#include "noctis/flash_log.h"
#include "noctis/sampler.h"
#include "noctis/uploader.h"

/* The reserved sectors behind the log, a pair each. */
enum { APP_CONFIG_AT = 0, APP_CRASH_AT = 2, APP_OTA_AT = 4, APP_FETCH_AT = 6, APP_RESERVED_SECTORS = 16 };
#define APP_ANSWER_BYTES 2048
#define APP_HTTP_DEADLINE_MS 20000u

typedef struct {
    const device_port *port;
    uint32_t log_sectors;
    boot_reason reason;
    uint32_t crashed_at, running_slot;
    bool allows_plain_http;
    const char *version;
} app_start;

typedef struct {
    const device_port *port;
    app_start start;
    device_config config;
    two_copies config_store, crash_store;
    supervisor supervisor;
    clock_sync clock;
    flash_log log;
    sampler sampler;
    uploader uploader;
    ota ota;
    ota_fetch fetch;
    /* The night as storage knows it. */
    uint32_t night, recording;
    int64_t night_started_ms, night_wall_ms; /* wall time is negative while unknown */
    uint32_t unstored; /* epochs that the log did not take, since the boot */
    bool is_configured, is_online, has_storage_fault, has_new_image;
    bool is_setting_up; /* the access point is open: its task says so, for the light */
    char token[TOKEN_BYTES];
    int64_t token_ends_ms;
    char answer[APP_ANSWER_BYTES];
} app;

void app_boot(app *app, const app_start *start);
/* Every 10 ms, in the task of the highest priority. */
void app_sample(app *app);
/* Every second or so. */
void app_store(app *app);
/* Whenever there is a network; one request at most. */
void app_network(app *app);
/* From the set-up task: durable when true, and in force from the next boot on. */
bool app_configure(app *app, const device_config *config);
/* What the device says of itself; returns the length. */
size_t app_heartbeat(const app *app, char *text, size_t size);

#endif
