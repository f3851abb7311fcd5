/* Who a simulated device is: its configuration and its P-256 key, which signs for it. */
#ifndef NOCTIS_SIM_IDENTITY_H
#define NOCTIS_SIM_IDENTITY_H

#include <openssl/evp.h>
#include <stdio.h>

#include "noctis/token.h"

typedef struct {
    device_config config;
    EVP_PKEY *key;
} identity;

/* One line: external id, key id, client id, tenant id, path of the private key (PEM). */
bool identity_read(FILE *file, identity *identity);
bool identity_sign(const identity *identity, const uint8_t *digest, uint8_t *signature);
/* A token that is good now, whatever time it is in the simulation. */
bool identity_token(const identity *identity, char token[TOKEN_BYTES]);

#endif
