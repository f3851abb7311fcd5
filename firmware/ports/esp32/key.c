/* The device's identity: a P-256 key in the encrypted partition of the key-value store. */
#include <stdio.h>

#include "esp32_port.h"
#include "esp_random.h"
#include "mbedtls/ecdsa.h"
#include "nvs.h"
#include "nvs_flash.h"

#define STORE "identity"
#define SCALAR_BYTES 32

static mbedtls_ecdsa_context key;

static int random_bytes(void *context, unsigned char *bytes, size_t length) {
    (void)context;
    esp_fill_random(bytes, length);
    return 0;
}

static bool make_key(nvs_handle_t store) {
    uint8_t scalar[SCALAR_BYTES];
    return mbedtls_ecdsa_genkey(&key, MBEDTLS_ECP_DP_SECP256R1, random_bytes, NULL) == 0 &&
           mbedtls_ecp_write_key(&key, scalar, sizeof scalar) == 0 &&
           nvs_set_blob(store, "p256", scalar, sizeof scalar) == ESP_OK &&
           nvs_commit(store) == ESP_OK;
}

bool esp32_key_start(void) {
    uint8_t scalar[SCALAR_BYTES];
    size_t length = sizeof scalar;
    nvs_handle_t store;
    mbedtls_ecdsa_init(&key);
    if (nvs_flash_init() != ESP_OK || nvs_open(STORE, NVS_READWRITE, &store) != ESP_OK) {
        return false;
    }
    bool is_there = nvs_get_blob(store, "p256", scalar, &length) == ESP_OK;
    bool is_ready = is_there ? mbedtls_ecp_read_key(MBEDTLS_ECP_DP_SECP256R1, &key, scalar,
                                                    sizeof scalar) == 0
                             : make_key(store);
    nvs_close(store);
    return is_ready;
}

/* What is kept is the scalar alone: the point is computed anew. */
size_t esp32_key_public(char *pem, size_t size) {
    uint8_t point[SETUP_POINT_BYTES];
    size_t length;
    bool is_there =
        size >= SETUP_PEM_BYTES &&
        mbedtls_ecp_mul(&key.grp, &key.Q, &key.d, &key.grp.G, random_bytes, NULL) == 0 &&
        mbedtls_ecp_point_write_binary(&key.grp, &key.Q, MBEDTLS_ECP_PF_UNCOMPRESSED, &length,
                                       point, sizeof point) == 0;
    return is_there ? setup_pem(point, pem) : 0;
}

bool esp32_key_setup_password(char password[SETUP_PASSWORD_LETTERS + 1]) {
    nvs_handle_t store;
    uint8_t random[SETUP_PASSWORD_LETTERS];
    size_t length = SETUP_PASSWORD_LETTERS + 1;
    if (nvs_open(STORE, NVS_READWRITE, &store) != ESP_OK) {
        return false;
    }
    bool is_there = nvs_get_blob(store, "setup", password, &length) == ESP_OK;
    if (!is_there) {
        esp_fill_random(random, sizeof random);
        setup_password(random, password);
        is_there = nvs_set_blob(store, "setup", password, SETUP_PASSWORD_LETTERS + 1) == ESP_OK &&
                   nvs_commit(store) == ESP_OK;
        /* Once, at the bench, for the label. */
        printf("set-up password: %s\n", is_there ? password : "not kept");
    }
    nvs_close(store);
    return is_there;
}

bool esp32_key_sign(void *context, const uint8_t digest[SHA256_BYTES],
                    uint8_t signature[TOKEN_SIGNATURE_BYTES]) {
    (void)context;
    mbedtls_mpi r, s;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    bool is_signed = mbedtls_ecdsa_sign(&key.grp, &r, &s, &key.d, digest, SHA256_BYTES,
                                        random_bytes, NULL) == 0 &&
                     mbedtls_mpi_write_binary(&r, signature, SCALAR_BYTES) == 0 &&
                     mbedtls_mpi_write_binary(&s, signature + SCALAR_BYTES, SCALAR_BYTES) == 0;
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    return is_signed;
}
