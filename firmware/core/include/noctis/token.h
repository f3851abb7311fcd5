/* A bearer token as the platform takes it: ES256, at most fifteen minutes old. The key signs in
 * the port; no key material is seen here. */
#ifndef NOCTIS_TOKEN_H
#define NOCTIS_TOKEN_H

#include "noctis/config.h"
#include "noctis/sha256.h"

#define TOKEN_LIFE_S 900
#define TOKEN_RENEW_S 60 /* before its end */
#define TOKEN_BYTES 768
#define TOKEN_SIGNATURE_BYTES 64

typedef struct {
    void *context;
    /* Raw r and s, 32 bytes each. */
    bool (*sign)(void *context, const uint8_t digest[SHA256_BYTES],
                 uint8_t signature[TOKEN_SIGNATURE_BYTES]);
} token_signer;

bool token_make(const device_config *config, const token_signer *signer, int64_t wall_ms,
                char token[TOKEN_BYTES]);

#endif
