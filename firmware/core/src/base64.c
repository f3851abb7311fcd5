#include "noctis/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(const char *alphabet, const uint8_t *bytes, size_t length, char *text,
                     char padding) {
    size_t out = 0;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= left) {
                text[out++] = alphabet[three >> (18 - 6 * k) & 63];
            } else if (padding != 0) {
                text[out++] = padding;
            }
        }
    }
    return out;
}

size_t base64_encode(const uint8_t *bytes, size_t length, char *text) {
    return encode(standard, bytes, length, text, '=');
}

size_t base64url_encode(const uint8_t *bytes, size_t length, char *text) {
    return encode(for_urls, bytes, length, text, 0);
}
