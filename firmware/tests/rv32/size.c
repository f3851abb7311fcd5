/* The core as a firmware uses it: one device in static memory and its three tasks. */
#include "noctis/app.h"

extern const device_port board_port;
static app device;

void device_main(void) {
    const app_start start = {.port = &board_port, .log_sectors = LOG_SECTORS, .version = "0"};
    static char heartbeat[600];
    app_boot(&device, &start);
    for (;;) {
        app_sample(&device);
        app_store(&device);
        app_network(&device);
        (void)app_heartbeat(&device, heartbeat, sizeof heartbeat);
        (void)ota_begin(&device.ota, (const uint8_t *)heartbeat, OTA_MANIFEST_BYTES);
        (void)ota_write(&device.ota, 0, heartbeat, sizeof heartbeat);
        (void)ota_finish(&device.ota);
    }
}

/* The board's functions are the port's, not the core's: only their table stands here. */
const device_port board_port __attribute__((weak)) = {0};
