#include "identity.h"

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#define HALF (TOKEN_SIGNATURE_BYTES / 2)

bool identity_read(FILE *file, identity *identity) {
    char line[1024], path[512];
    device_config *config = &identity->config;
    memset(config, 0, sizeof *config);
    if (fgets(line, sizeof line, file) == NULL ||
        sscanf(line, "%39s %39s %39s %39s %511s", config->external_id, config->key_id,
               config->client_id, config->tenant_id, path) != 5) {
        return false;
    }
    config->format = CONFIG_FORMAT;
    strcpy(config->server_url, "http://simulated");
    strcpy(config->time_zone, "Europe/Berlin");
    FILE *pem = fopen(path, "r");
    identity->key = pem == NULL ? NULL : PEM_read_PrivateKey(pem, NULL, NULL, NULL);
    if (pem != NULL) {
        fclose(pem);
    }
    return identity->key != NULL;
}

bool identity_sign(const identity *identity, const uint8_t *digest, uint8_t *signature) {
    uint8_t der[80];
    const uint8_t *at = der;
    size_t length = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(identity->key, NULL);
    bool is_signed = EVP_PKEY_sign_init(context) > 0 &&
                     EVP_PKEY_sign(context, der, &length, digest, SHA256_BYTES) > 0;
    EVP_PKEY_CTX_free(context);
    ECDSA_SIG *pair = is_signed ? d2i_ECDSA_SIG(NULL, &at, (long)length) : NULL;
    if (pair == NULL) {
        return false;
    }
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, HALF);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + HALF, HALF);
    ECDSA_SIG_free(pair);
    return true;
}

static bool sign(void *context, const uint8_t digest[SHA256_BYTES],
                 uint8_t signature[TOKEN_SIGNATURE_BYTES]) {
    return identity_sign(context, digest, signature);
}

bool identity_token(const identity *identity, char token[TOKEN_BYTES]) {
    token_signer signer = {(void *)identity, sign};
    return token_make(&identity->config, &signer, (int64_t)time(NULL) * 1000, token);
}
