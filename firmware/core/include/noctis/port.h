/* Everything that the core asks of a board. Nothing here waits, but for `http_post`, which runs in
 * the network task and keeps its deadline. */
#ifndef NOCTIS_PORT_H
#define NOCTIS_PORT_H

#include "noctis/led.h"
#include "noctis/nor.h"
#include "noctis/ota_fetch.h"
#include "noctis/supervisor.h"
#include "noctis/token.h"

typedef struct {
    const char *path;
    const char *token; /* NULL: none */
    size_t length;
    /* Fills `text` with up to `size` bytes of the body from `offset`. */
    size_t (*body)(void *source, size_t offset, char *text, size_t size);
    void *source;
    uint32_t deadline_ms;
} http_request;

typedef struct {
    int status; /* 0: no answer in time */
    uint32_t retry_after_s;
    int64_t date_ms; /* from the Date header; 0: none */
    char *body;
    size_t size, length; /* of the buffer; of what came, cut where it did not fit */
} http_answer;

typedef struct {
    void *context;
    uint64_t (*mono_ms)(void *context);
    /* The operating system's wall clock, set by SNTP; 0 while it is not. */
    int64_t (*wall_ms)(void *context);
    void (*set_wall)(void *context, int64_t wall_ms);
    size_t (*uart_read)(void *context, uint8_t *bytes, size_t size);
    void (*uart_write)(void *context, const uint8_t *bytes, size_t length);
    bool (*i2c)(void *context, uint8_t address, const uint8_t *out, size_t out_length, uint8_t *in,
                size_t in_length);
    nor_flash nor;
    void (*http_post)(void *context, const http_request *request, http_answer *answer);
    uint32_t (*random)(void *context);
    void (*kick_watchdog)(void *context);
    void (*set_led)(void *context, led_colour colour);
    void (*reboot)(void *context, boot_reason reason);
    token_signer signer;
    ota_port ota;
    ota_source updates; /* without a `get` nobody is asked for updates */
} device_port;

#endif
