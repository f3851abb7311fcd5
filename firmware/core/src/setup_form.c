#include "noctis/setup_form.h"

#include <string.h>

#define UUID_CHARACTERS 36
#define WIFI_NAME_MOST 32
#define WIFI_SECRET_LEAST 8

typedef struct {
    const char *name;
    size_t at, least, most; /* of its bytes, without the final NUL */
    bool is_uuid;
} field;

#define TEXT(member, least, most) {#member, offsetof(device_config, member), least, most, false}
#define UUID(member) {#member, offsetof(device_config, member), UUID_CHARACTERS, UUID_CHARACTERS, true}

static const field fields[] = {
    TEXT(wifi_name, 1, WIFI_NAME_MOST),
    TEXT(wifi_secret, WIFI_SECRET_LEAST, CONFIG_SECRET_BYTES - 1),
    TEXT(server_url, 9, CONFIG_URL_BYTES - 1),
    TEXT(external_id, 1, CONFIG_NAME_BYTES - 1),
    TEXT(key_id, 1, CONFIG_NAME_BYTES - 1),
    UUID(client_id),
    UUID(tenant_id),
    TEXT(time_zone, 0, CONFIG_NAME_BYTES - 1),
};
#define FIELDS (sizeof fields / sizeof fields[0])

const char *setup_field(size_t i) { return i < FIELDS ? fields[i].name : NULL; }

const char *setup_says(setup_fault fault) {
    static const char *const sentences[SETUP_FAULTS] = {
        "Saved. The device starts anew.",
        "This is no form.",
        "There is no such field.",
        "A field came twice.",
        "Only characters that can be printed.",
        "This is too long.",
        "This is too short.",
        "This is missing.",
        "An address is https://, a name, and perhaps :port.",
        "Only https: what is sent are nights of people.",
        "Copy the id as it was printed: 36 characters.",
    };
    return fault < SETUP_FAULTS ? sentences[fault] : "";
}

static int digit_of(char character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    char lower = (char)(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The next character of a value as it was typed; -1: a percent sign that stands for nothing. */
static int next_character(const char *text, size_t length, size_t *at) {
    char character = text[(*at)++];
    if (character == '+') {
        return ' ';
    }
    if (character != '%') {
        return (unsigned char)character;
    }
    if (length - *at < 2) {
        return -1;
    }
    int high = digit_of(text[*at]), low = digit_of(text[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_uuid(const char *text) {
    for (int i = 0; i < UUID_CHARACTERS; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : digit_of(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

static setup_fault take_value(const field *row, const char *text, size_t length, char *value) {
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        int character = next_character(text, length, &at);
        /* Above 0x7F are UTF-8's bytes: networks have names in every script. */
        if (character < ' ' || character == 0x7F) {
            return SETUP_BAD_TEXT;
        }
        if (count == row->most) {
            return SETUP_TOO_LONG;
        }
        value[count++] = (char)character;
    }
    value[count] = 0;
    if (row->is_uuid && (count != UUID_CHARACTERS || !is_uuid(value))) {
        return SETUP_NO_UUID;
    }
    return count < row->least ? SETUP_TOO_SHORT : SETUP_OK;
}

static const field *field_called(const char *name, size_t length) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

/* One `name=value`; an empty value changes nothing. */
static setup_verdict take_pair(const char *pair, size_t length, uint32_t *seen,
                               device_config *config) {
    const char *equals = memchr(pair, '=', length);
    if (equals == NULL) {
        return (setup_verdict){SETUP_BAD_FORM, NULL};
    }
    size_t name_length = (size_t)(equals - pair), value_length = length - name_length - 1;
    const field *row = field_called(pair, name_length);
    if (row == NULL) {
        return (setup_verdict){SETUP_UNKNOWN_FIELD, NULL};
    }
    uint32_t bit = 1u << (row - fields);
    if (*seen & bit) {
        return (setup_verdict){SETUP_REPEATED_FIELD, row->name};
    }
    *seen |= bit;
    if (value_length == 0) {
        return (setup_verdict){SETUP_OK, NULL};
    }
    char value[CONFIG_URL_BYTES];
    setup_fault fault = take_value(row, equals + 1, value_length, value);
    if (fault == SETUP_OK) {
        memset((char *)config + row->at, 0, row->most + 1);
        memcpy((char *)config + row->at, value, strlen(value));
    }
    return (setup_verdict){fault, row->name};
}

/* Scheme, a name or an address, perhaps a port; no path, no user, nothing that a proxy could
 * read in another way. */
static bool is_origin(const char *url) {
    const char *host = strstr(url, "://");
    if (host == NULL) {
        return false;
    }
    host += 3;
    size_t name = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
    const char *rest = host + name;
    if (*rest == ':') {
        size_t digits = strspn(rest + 1, "0123456789");
        rest += digits >= 1 && digits <= 5 ? 1 + digits : 0;
    }
    return name > 0 && *rest == 0;
}

static setup_verdict judge(const device_config *config, bool allows_plain) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].least > 0 && *((const char *)config + fields[i].at) == 0) {
            return (setup_verdict){SETUP_MISSING, fields[i].name};
        }
    }
    config_fault fault = config_check(config, allows_plain);
    if (fault == CONFIG_PLAIN_HTTP) {
        return (setup_verdict){SETUP_PLAIN_HTTP, "server_url"};
    }
    bool is_good = fault == CONFIG_OK && is_origin(config->server_url);
    return is_good ? (setup_verdict){SETUP_OK, NULL}
                   : (setup_verdict){SETUP_BAD_URL, "server_url"};
}

setup_verdict setup_read_form(const char *body, size_t length, bool allows_plain,
                              device_config *config) {
    device_config wanted = *config;
    uint32_t seen = 0;
    wanted.format = CONFIG_FORMAT;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(body + at, '&', length - at);
        size_t part = end == NULL ? length - at : (size_t)(end - body) - at;
        setup_verdict verdict = take_pair(body + at, part, &seen, &wanted);
        if (verdict.fault != SETUP_OK) {
            return verdict;
        }
        at += part + 1;
    }
    setup_verdict verdict = judge(&wanted, allows_plain);
    if (verdict.fault == SETUP_OK) {
        *config = wanted;
    }
    return verdict;
}
