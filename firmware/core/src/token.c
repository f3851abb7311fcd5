#include "noctis/token.h"

#include <string.h>

#include "noctis/base64.h"
#include "noctis/json_emit.h"

#define PART_BYTES 288

static size_t put_header(const device_config *config, char *token) {
    char text[PART_BYTES];
    json_text json;
    json_start(&json, text, sizeof text);
    json_open(&json);
    json_key(&json, "alg");
    json_string(&json, "ES256");
    json_key(&json, "typ");
    json_string(&json, "JWT");
    json_key(&json, "kid");
    json_string(&json, config->key_id);
    json_close(&json);
    return json.is_overflown ? 0 : base64url_encode((uint8_t *)text, json.length, token);
}

static size_t put_claims(const device_config *config, int64_t wall_ms, char *token) {
    char text[PART_BYTES];
    json_text json;
    json_start(&json, text, sizeof text);
    json_open(&json);
    json_key(&json, "sub");
    json_string(&json, config->client_id);
    json_key(&json, "tenant_id");
    json_string(&json, config->tenant_id);
    json_key(&json, "iss");
    json_string(&json, "noctis");
    json_key(&json, "aud");
    json_string(&json, "noctis-services");
    json_key(&json, "exp");
    json_integer(&json, wall_ms / 1000 + TOKEN_LIFE_S);
    json_close(&json);
    return json.is_overflown ? 0 : base64url_encode((uint8_t *)text, json.length, token);
}

bool token_make(const device_config *config, const token_signer *signer, int64_t wall_ms,
                char token[TOKEN_BYTES]) {
    char header[BASE64_CHARACTERS(PART_BYTES)], claims[BASE64_CHARACTERS(PART_BYTES)];
    uint8_t digest[SHA256_BYTES], signature[TOKEN_SIGNATURE_BYTES];
    size_t head = put_header(config, header), body = put_claims(config, wall_ms, claims);
    size_t whole = head + body + 2 + BASE64_CHARACTERS(TOKEN_SIGNATURE_BYTES) + 1;
    if (head == 0 || body == 0 || whole > TOKEN_BYTES) {
        return false;
    }
    memcpy(token, header, head);
    token[head] = '.';
    memcpy(token + head + 1, claims, body);
    size_t length = head + 1 + body;
    sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, token, length);
    sha256_end(&hash, digest);
    if (!signer->sign(signer->context, digest, signature)) {
        return false;
    }
    token[length++] = '.';
    length += base64url_encode(signature, sizeof signature, token + length);
    token[length] = 0;
    return true;
}
