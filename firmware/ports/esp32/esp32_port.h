/* The capabilities of the ESP32 board, a file each. Never run: type-checked against ports/stubs. */
#ifndef NOCTIS_ESP32_PORT_H
#define NOCTIS_ESP32_PORT_H

#include "noctis/app.h"
#include "noctis/setup_point.h"

/* No strapping pin (0, 2, 5, 12, 15) among them: a sensor pulling one would change how it boots. */
enum {
    PIN_I2C_DATA = 21,
    PIN_I2C_CLOCK = 22,
    PIN_SPI_CLOCK = 18,
    PIN_SPI_MISO = 19,
    PIN_SPI_MOSI = 23,
    PIN_FLASH_SELECT = 4,
    PIN_RADAR_RX = 26,
    PIN_RADAR_TX = 27,
    PIN_LED_RED = 25,
    PIN_LED_GREEN = 32,
    PIN_LED_BLUE = 33,
    PIN_BUTTON = 34,
};

void esp32_uart_start(void);
size_t esp32_uart_read(void *context, uint8_t *bytes, size_t size);
void esp32_uart_write(void *context, const uint8_t *bytes, size_t length);

void esp32_i2c_start(void);
bool esp32_i2c(void *context, uint8_t address, const uint8_t *out, size_t out_length, uint8_t *in,
               size_t in_length);

void esp32_nor_start(void);
bool esp32_nor_read(void *context, uint32_t address, void *bytes, size_t length);
bool esp32_nor_program(void *context, uint32_t address, const void *bytes, size_t length);
bool esp32_nor_erase(void *context, uint32_t address);

void esp32_wifi_start(const char *name, const char *secret);
bool esp32_wifi_is_up(void);

void esp32_tls_start(const char *server_url);
void esp32_http_post(void *context, const http_request *request, http_answer *answer);

/* Makes the device's P-256 key at its first boot; it never leaves the encrypted key store. */
bool esp32_key_start(void);
bool esp32_key_sign(void *context, const uint8_t digest[SHA256_BYTES],
                    uint8_t signature[TOKEN_SIGNATURE_BYTES]);

/* The public half as PEM; the length, 0 where there is no key. */
size_t esp32_key_public(char *pem, size_t size);
/* The access point's password: made at the first boot, kept beside the key. */
bool esp32_key_setup_password(char password[SETUP_PASSWORD_LETTERS + 1]);

void esp32_wifi_open_access_point(const char *name, const char *password);
void esp32_wifi_close_access_point(void);
void esp32_setup_run(app *device); /* a task of its own; never returns */

extern const ota_port esp32_ota;
uint32_t esp32_ota_running_slot(void);

void esp32_clock_start(void);
uint64_t esp32_mono_ms(void *context);
int64_t esp32_wall_ms(void *context);
void esp32_set_wall(void *context, int64_t wall_ms);

void esp32_led_start(void);
void esp32_led_set(void *context, led_colour colour);

void esp32_watchdog_start(void);
void esp32_watchdog_kick(void *context);
boot_reason esp32_boot_reason(void);
void esp32_reboot(void *context, boot_reason reason);
uint32_t esp32_random(void *context);

#endif
