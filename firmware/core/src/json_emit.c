#include "noctis/json_emit.h"

#include <string.h>

#include "noctis/clock_sync.h"

static void put(json_text *json, char character) {
    if (json->length + 1 >= json->size) {
        json->is_overflown = true;
        return;
    }
    json->text[json->length++] = character;
    json->text[json->length] = 0;
}

void json_start(json_text *json, char *text, size_t size) {
    *json = (json_text){.text = text, .size = size};
    text[0] = 0;
}

void json_raw(json_text *json, const char *text) {
    while (*text) {
        put(json, *text++);
    }
}

void json_open(json_text *json) {
    put(json, '{');
    json->needs_comma = false;
}

void json_close(json_text *json) {
    put(json, '}');
    json->needs_comma = true;
}

static void put_escaped(json_text *json, const char *value) {
    static const char hex[] = "0123456789abcdef";
    put(json, '"');
    for (; *value; value++) {
        uint8_t byte = (uint8_t)*value;
        if (byte == '"' || byte == '\\') {
            put(json, '\\');
        }
        if (byte < 0x20) {
            json_raw(json, "\\u00");
            put(json, hex[byte >> 4]);
            put(json, hex[byte & 15]);
        } else {
            put(json, *value);
        }
    }
    put(json, '"');
}

void json_key(json_text *json, const char *name) {
    if (json->needs_comma) {
        put(json, ',');
    }
    put_escaped(json, name);
    put(json, ':');
    json->needs_comma = true;
}

void json_string(json_text *json, const char *value) { put_escaped(json, value); }

void json_integer(json_text *json, int64_t value) {
    char digits[20];
    int count = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        put(json, '-');
    }
    while (count > 0) {
        put(json, digits[--count]);
    }
}

void json_boolean(json_text *json, bool value) { json_raw(json, value ? "true" : "false"); }

static void put_padded(json_text *json, uint32_t value, uint32_t unit) {
    for (; unit > 0; unit /= 10) {
        put(json, (char)('0' + value / unit % 10));
    }
}

void json_instant(json_text *json, int64_t wall_ms) {
    civil_time time = civil_from_ms(wall_ms);
    put(json, '"');
    put_padded(json, (uint32_t)time.year, 1000);
    put(json, '-');
    put_padded(json, time.month, 10);
    put(json, '-');
    put_padded(json, time.day, 10);
    put(json, 'T');
    put_padded(json, time.hour, 10);
    put(json, ':');
    put_padded(json, time.minute, 10);
    put(json, ':');
    put_padded(json, time.second, 10);
    put(json, '.');
    put_padded(json, time.millisecond, 100);
    json_raw(json, "Z\"");
}
