/* Signed manifests for tests: the "signature" is the digest twice, which the fakes verify. */
#ifndef NOCTIS_TEST_RELEASES_H
#define NOCTIS_TEST_RELEASES_H

#include <string.h>

#include "noctis/bytes.h"
#include "noctis/ota.h"

static inline void release_sign(uint8_t manifest[OTA_MANIFEST_BYTES]) {
    sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, manifest, OTA_SIGNED_BYTES);
    sha256_end(&hash, manifest + OTA_SIGNED_BYTES);
    memcpy(manifest + OTA_SIGNED_BYTES + SHA256_BYTES, manifest + OTA_SIGNED_BYTES, SHA256_BYTES);
}

/* An image that looks like its version, and the manifest for hardware 2 to 5. */
static inline void release_make(uint8_t manifest[OTA_MANIFEST_BYTES], uint8_t *image, uint32_t size,
                                uint32_t version, uint32_t counter) {
    sha256 hash;
    memset(manifest, 0, OTA_MANIFEST_BYTES);
    for (uint32_t i = 0; i < size; i++) {
        image[i] = (uint8_t)(i * 7 + version + (i >> 8));
    }
    memcpy(manifest, "NOTA", 4);
    put_le16(manifest + 4, 1);
    put_le16(manifest + 6, 2);
    put_le16(manifest + 8, 5);
    put_le32(manifest + 12, version);
    put_le32(manifest + 16, counter);
    put_le32(manifest + 20, size);
    memcpy(manifest + 24, "noctis-bedside", 14);
    sha256_init(&hash);
    sha256_add(&hash, image, size);
    sha256_end(&hash, manifest + 40);
    memcpy(manifest + 72, "release1", 8);
    release_sign(manifest);
}

static inline bool release_verify(const uint8_t digest[SHA256_BYTES],
                                  const uint8_t signature[OTA_SIGNATURE_BYTES]) {
    return memcmp(signature, digest, SHA256_BYTES) == 0 &&
           memcmp(signature + SHA256_BYTES, digest, SHA256_BYTES) == 0;
}

#endif
