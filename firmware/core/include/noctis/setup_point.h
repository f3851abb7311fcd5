/* The set-up access point: when it is open, under which password, and what it answers to a phone's
 * name lookups and requests. Sockets and radio are the port's; it serves from a task of its own. */
#ifndef NOCTIS_SETUP_POINT_H
#define NOCTIS_SETUP_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETUP_OPEN_MS (10u * 60u * 1000u)
#define SETUP_DEBOUNCE_MS 50u
#define SETUP_PASSWORD_LETTERS 12 /* of 32: 60 bits */
#define SETUP_REQUEST_BYTES 3072
#define SETUP_BODY_MOST 1536
#define SETUP_HOST "192.168.4.1"

/* Opens when the button goes down, for ten minutes; one that sticks opens it once. */
typedef struct {
    uint64_t changed_ms, opened_ms;
    bool is_down, was_down, is_open;
} setup_window;

void setup_window_init(setup_window *window, uint64_t now_ms);
/* Often; true while the access point is open. */
bool setup_window_step(setup_window *window, bool is_button_down, uint64_t now_ms);

/* Made once from the port's random bytes, kept there, and printed on the box. */
void setup_password(const uint8_t random[SETUP_PASSWORD_LETTERS],
                    char password[SETUP_PASSWORD_LETTERS + 1]);

typedef enum {
    SETUP_NEEDS_MORE,
    SETUP_SHOW,     /* any address: a phone that looks for a portal finds the page */
    SETUP_SHOW_KEY, /* /device.pem, the public half */
    SETUP_SAVE,
    SETUP_REFUSE,
} setup_request;

typedef struct {
    char bytes[SETUP_REQUEST_BYTES];
    size_t length;
    const char *body; /* of SETUP_SAVE */
    size_t body_length;
} setup_reader;

/* Add what came of one connection; more than fits, or what is no request, is refused. */
setup_request setup_take(setup_reader *reader, const char *bytes, size_t length);

/* Every name is this box: answers a lookup for an IPv4 address. 0: no lookup, no answer. */
size_t setup_answer_name(const uint8_t *query, size_t length, const uint8_t address[4],
                         uint8_t *answer, size_t size);

extern const char setup_page[];

#define SETUP_POINT_BYTES 65 /* of P-256, uncompressed */
#define SETUP_PEM_BYTES 200
/* A public key as `manage.py device provision` takes it; the length, without the final NUL. */
size_t setup_pem(const uint8_t point[SETUP_POINT_BYTES], char pem[SETUP_PEM_BYTES]);

#endif
