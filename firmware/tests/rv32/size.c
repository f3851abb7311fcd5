/* The core as a firmware uses it: one device in static memory and its three tasks. */
#include "noctis/app.h"
#include "noctis/setup_form.h"
#include "noctis/setup_point.h"

extern const device_port board_port;
static app device;

void device_main(void) {
    const app_start start = {.port = &board_port, .log_sectors = LOG_SECTORS, .version = "0"};
    static char heartbeat[640];
    static setup_reader reader;
    app_boot(&device, &start);
    for (;;) {
        app_sample(&device);
        app_store(&device);
        app_network(&device);
        (void)app_heartbeat(&device, heartbeat, sizeof heartbeat);
        (void)ota_begin(&device.ota, (const uint8_t *)heartbeat, OTA_MANIFEST_BYTES);
        (void)ota_write(&device.ota, 0, heartbeat, sizeof heartbeat);
        (void)ota_finish(&device.ota);
        (void)setup_take(&reader, heartbeat, sizeof heartbeat);
        (void)setup_read_form(reader.body, reader.body_length, false, &device.config);
        (void)setup_answer_name((const uint8_t *)heartbeat, sizeof heartbeat, device.ota.manifest.digest,
                                (uint8_t *)reader.bytes, sizeof reader.bytes);
        (void)setup_pem(device.ota.manifest.digest, reader.bytes);
        (void)app_configure(&device, &device.config);
        (void)(setup_says(SETUP_OK)[0] + setup_page[sizeof heartbeat]);
    }
}

/* The board's functions are the port's, not the core's: only their table stands here. */
const device_port board_port __attribute__((weak)) = {0};
