/* JSON into a fixed buffer. What does not fit marks the text as overflown; nothing is cut unseen. */
#ifndef NOCTIS_JSON_EMIT_H
#define NOCTIS_JSON_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *text;
    size_t size, length;
    bool needs_comma, is_overflown;
} json_text;

void json_start(json_text *json, char *text, size_t size);
void json_open(json_text *json);
void json_close(json_text *json);
void json_key(json_text *json, const char *name);
void json_string(json_text *json, const char *value);
void json_integer(json_text *json, int64_t value);
void json_boolean(json_text *json, bool value);
/* An instant as the API wants it: 2026-11-20T22:14:30.000Z. */
void json_instant(json_text *json, int64_t wall_ms);
/* As it is: for what is appended to a body later. */
void json_raw(json_text *json, const char *text);

#endif
