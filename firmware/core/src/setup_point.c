#include "noctis/setup_point.h"

#include <string.h>

#include "noctis/base64.h"
#include "noctis/bytes.h"

/* 32 letters that nobody takes for another: no l, o, 0, 1. */
static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

void setup_window_init(setup_window *window, uint64_t now_ms) {
    /* Down since ever: a button that is held while the box boots opens nothing. */
    *window = (setup_window){.changed_ms = now_ms, .is_down = true, .was_down = true};
}

bool setup_window_step(setup_window *window, bool is_button_down, uint64_t now_ms) {
    if (is_button_down != window->is_down) {
        window->is_down = is_button_down;
        window->changed_ms = now_ms;
    }
    bool is_settled = now_ms - window->changed_ms >= SETUP_DEBOUNCE_MS;
    if (is_settled && window->is_down != window->was_down) {
        window->was_down = window->is_down;
        if (window->is_down) {
            window->is_open = true;
            window->opened_ms = now_ms;
        }
    }
    if (now_ms - window->opened_ms >= SETUP_OPEN_MS) {
        window->is_open = false;
    }
    return window->is_open;
}

void setup_password(const uint8_t random[SETUP_PASSWORD_LETTERS],
                    char password[SETUP_PASSWORD_LETTERS + 1]) {
    for (int i = 0; i < SETUP_PASSWORD_LETTERS; i++) {
        password[i] = letters[random[i] % (sizeof letters - 1)];
    }
    password[SETUP_PASSWORD_LETTERS] = 0;
}

size_t setup_pem(const uint8_t point[SETUP_POINT_BYTES], char pem[SETUP_PEM_BYTES]) {
    /* RFC 5480: SubjectPublicKeyInfo, id-ecPublicKey, prime256v1, a bit string of 66 bytes. */
    static const uint8_t before[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                     0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                     0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    static const char head[] = "-----BEGIN PUBLIC KEY-----\n", tail[] = "\n-----END PUBLIC KEY-----\n";
    uint8_t key[sizeof before + SETUP_POINT_BYTES];
    memcpy(key, before, sizeof before);
    memcpy(key + sizeof before, point, SETUP_POINT_BYTES);
    size_t length = sizeof head - 1;
    memcpy(pem, head, length);
    length += base64_encode(key, 48, pem + length); /* a line of 64 characters */
    pem[length++] = '\n';
    length += base64_encode(key + 48, sizeof key - 48, pem + length);
    memcpy(pem + length, tail, sizeof tail);
    return length + sizeof tail - 1;
}

static char lower(char character) {
    return character >= 'A' && character <= 'Z' ? (char)(character + 'a' - 'A') : character;
}

static bool is_same(const char *text, const char *wanted, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (lower(text[i]) != wanted[i]) {
            return false;
        }
    }
    return true;
}

typedef struct {
    const char *value;
    size_t length;
    int count;
} header;

/* `name` in small letters. How often it is there tells two of one name from one. */
static header find_header(const char *head, size_t length, const char *name) {
    header found = {NULL, 0, 0};
    size_t name_length = strlen(name);
    for (const char *line = head; line < head + length;) {
        const char *end = memchr(line, '\r', (size_t)(head + length - line));
        size_t line_length = end == NULL ? (size_t)(head + length - line) : (size_t)(end - line);
        if (line_length > name_length && line[name_length] == ':' && is_same(line, name, name_length)) {
            found.value = line + name_length + 1;
            found.length = line_length - name_length - 1;
            while (found.length > 0 && *found.value == ' ') {
                found.value++;
                found.length--;
            }
            found.count++;
        }
        line += line_length + 2;
    }
    return found;
}

static bool is_value(const header *header, const char *wanted) {
    return header->count == 1 && header->length == strlen(wanted) &&
           is_same(header->value, wanted, header->length);
}

/* -1: there is none, or it is no number, or more than is taken. */
static int32_t body_length(const char *head, size_t length) {
    header stated = find_header(head, length, "content-length");
    int32_t value = 0;
    if (stated.count != 1 || stated.length == 0) {
        return -1;
    }
    for (size_t i = 0; i < stated.length; i++) {
        char digit = stated.value[i];
        if (digit < '0' || digit > '9' || value > SETUP_BODY_MOST) {
            return -1;
        }
        value = value * 10 + (digit - '0');
    }
    return value > SETUP_BODY_MOST ? -1 : value;
}

/* A page elsewhere could send the phone's browser here: then the origin is another. */
static bool is_from_our_page(const char *head, size_t length) {
    header host = find_header(head, length, "host");
    header origin = find_header(head, length, "origin");
    header type = find_header(head, length, "content-type");
    return is_value(&host, SETUP_HOST) &&
           (origin.count == 0 || is_value(&origin, "http://" SETUP_HOST)) &&
           is_value(&type, "application/x-www-form-urlencoded") &&
           find_header(head, length, "transfer-encoding").count == 0;
}

static bool begins(const char *head, size_t length, const char *with) {
    return length >= strlen(with) && memcmp(head, with, strlen(with)) == 0;
}

static setup_request judge_save(setup_reader *reader, size_t head_length) {
    int32_t wanted = body_length(reader->bytes, head_length);
    if (wanted < 0 || !is_from_our_page(reader->bytes, head_length)) {
        return SETUP_REFUSE;
    }
    reader->body = reader->bytes + head_length + 4;
    reader->body_length = (size_t)wanted;
    size_t came = reader->length - head_length - 4;
    if (came < reader->body_length) {
        return head_length + 4 + reader->body_length > sizeof reader->bytes ? SETUP_REFUSE
                                                                           : SETUP_NEEDS_MORE;
    }
    return came == reader->body_length ? SETUP_SAVE : SETUP_REFUSE;
}

/* Where the blank line after the headers begins; SIZE_MAX: not here yet. */
static size_t end_of_head(const setup_reader *reader) {
    for (size_t at = 0; at + 4 <= reader->length; at++) {
        if (memcmp(reader->bytes + at, "\r\n\r\n", 4) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

setup_request setup_take(setup_reader *reader, const char *bytes, size_t length) {
    if (length > sizeof reader->bytes - reader->length) {
        return SETUP_REFUSE;
    }
    memcpy(reader->bytes + reader->length, bytes, length);
    reader->length += length;
    size_t head_length = end_of_head(reader);
    if (head_length == SIZE_MAX) {
        return reader->length == sizeof reader->bytes ? SETUP_REFUSE : SETUP_NEEDS_MORE;
    }
    if (begins(reader->bytes, head_length, "POST /save HTTP/1.")) {
        return judge_save(reader, head_length);
    }
    if (begins(reader->bytes, head_length, "GET /device.pem HTTP/1.")) {
        return SETUP_SHOW_KEY;
    }
    return begins(reader->bytes, head_length, "GET /") ? SETUP_SHOW : SETUP_REFUSE;
}

enum { DNS_HEAD = 12, DNS_TAIL = 4, DNS_RECORD = 16, DNS_A = 1, DNS_IN = 1 };

/* Behind the one name of a question; 0: it has no end. */
static size_t end_of_name(const uint8_t *query, size_t length) {
    size_t at = DNS_HEAD;
    while (at < length && query[at] != 0) {
        if (query[at] > 63) { /* a pointer: none is needed in a question */
            return 0;
        }
        at += 1u + query[at];
    }
    return at < length ? at + 1 : 0;
}

size_t setup_answer_name(const uint8_t *query, size_t length, const uint8_t address[4],
                         uint8_t *answer, size_t size) {
    static const uint8_t record[] = {0xC0, DNS_HEAD, 0, DNS_A, 0, DNS_IN, 0, 0, 0, 0, 0, 4};
    if (length < DNS_HEAD || (query[2] & 0xF8) != 0 || get_be16(query + 4) != 1) {
        return 0; /* an answer, no plain question, or more than one */
    }
    size_t name_end = end_of_name(query, length);
    if (name_end == 0 || length - name_end < DNS_TAIL || size < name_end + DNS_TAIL + DNS_RECORD) {
        return 0;
    }
    bool is_address =
        get_be16(query + name_end) == DNS_A && get_be16(query + name_end + 2) == DNS_IN;
    size_t question = name_end + DNS_TAIL;
    memcpy(answer, query, question);
    answer[2] = (uint8_t)(0x84 | (query[2] & 1)); /* an answer, with authority */
    answer[3] = 0;
    memset(answer + 6, 0, 6);
    answer[7] = is_address;
    if (!is_address) {
        return question;
    }
    memcpy(answer + question, record, sizeof record);
    memcpy(answer + question + sizeof record, address, 4);
    return question + sizeof record + 4;
}
