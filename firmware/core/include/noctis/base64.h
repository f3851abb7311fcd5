/* Base64 for request bodies (padded) and for tokens (base64url, no padding). */
#ifndef NOCTIS_BASE64_H
#define NOCTIS_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* How many characters `length` bytes become, without a final NUL. */
#define BASE64_CHARACTERS(length) (((length) + 2) / 3 * 4)

size_t base64_encode(const uint8_t *bytes, size_t length, char *text);
size_t base64url_encode(const uint8_t *bytes, size_t length, char *text);

#endif
