/* SHA-256 (FIPS 180-4), for images and tokens that come in pieces. */
#ifndef NOCTIS_SHA256_H
#define NOCTIS_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

typedef struct {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
} sha256;

void sha256_init(sha256 *hash);
void sha256_add(sha256 *hash, const void *bytes, size_t length);
void sha256_end(sha256 *hash, uint8_t digest[SHA256_BYTES]);

#endif
