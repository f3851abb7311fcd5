/* Three tasks over one core, and one for whoever sets the box up. Sampling has the highest priority and a core of the chip to itself. */
#include "esp32_port.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "noctis/app.h"

#define STACK_BYTES 6144
#define NETWORK_STACK_BYTES 10240 /* TLS */
#define STORE_EVERY_MS 1000
#define NETWORK_EVERY_MS 500
#ifdef NOCTIS_DEVELOPMENT
#define ALLOWS_PLAIN_HTTP true
#else
#define ALLOWS_PLAIN_HTTP false
#endif
#ifndef NOCTIS_VERSION
#define NOCTIS_VERSION "0.1.0"
#endif

static app device;

static const device_port port = {
    .mono_ms = esp32_mono_ms,
    .wall_ms = esp32_wall_ms,
    .set_wall = esp32_set_wall,
    .uart_read = esp32_uart_read,
    .uart_write = esp32_uart_write,
    .i2c = esp32_i2c,
    .nor = {NULL, esp32_nor_read, esp32_nor_program, esp32_nor_erase},
    .http_post = esp32_http_post,
    .random = esp32_random,
    .kick_watchdog = esp32_watchdog_kick,
    .set_led = esp32_led_set,
    .reboot = esp32_reboot,
    .signer = {NULL, esp32_key_sign},
};
static device_port whole_port;

static void sampling(void *argument) {
    TickType_t woken = xTaskGetTickCount();
    (void)argument;
    for (;;) {
        app_sample(&device);
        vTaskDelayUntil(&woken, pdMS_TO_TICKS(NOC_SAMPLE_MS));
    }
}

static void network(void *argument) {
    (void)argument;
    for (;;) {
        app_network(&device);
        vTaskDelay(pdMS_TO_TICKS(NETWORK_EVERY_MS));
    }
}

static void setting_up(void *argument) { esp32_setup_run(argument); }

/* The main task stores: the watchdog is added to it and fed from it. */
void app_main(void) {
    esp32_led_start();
    esp32_uart_start();
    esp32_i2c_start();
    esp32_nor_start();
    char password[SETUP_PASSWORD_LETTERS + 1];
    esp32_key_start();
    (void)esp32_key_setup_password(password); /* made now, while somebody reads the console */
    esp32_watchdog_start();
    whole_port = port;
    whole_port.ota = esp32_ota;
    const app_start start = {.port = &whole_port,
                             .log_sectors = LOG_SECTORS,
                             .reason = esp32_boot_reason(),
                             .running_slot = esp32_ota_running_slot(),
                             .allows_plain_http = ALLOWS_PLAIN_HTTP,
                             .version = NOCTIS_VERSION};
    app_boot(&device, &start);
    if (device.is_configured) {
        esp32_wifi_start(device.config.wifi_name, device.config.wifi_secret);
        esp32_tls_start(device.config.server_url);
        esp32_clock_start();
    }
    xTaskCreatePinnedToCore(sampling, "sampling", STACK_BYTES, NULL, configMAX_PRIORITIES - 1, NULL, 1);
    xTaskCreatePinnedToCore(network, "network", NETWORK_STACK_BYTES, NULL, 3, NULL, 0);
    xTaskCreatePinnedToCore(setting_up, "setup", STACK_BYTES, &device, 1, NULL, 0);
    for (;;) {
        app_store(&device);
        vTaskDelay(pdMS_TO_TICKS(STORE_EVERY_MS));
    }
}
