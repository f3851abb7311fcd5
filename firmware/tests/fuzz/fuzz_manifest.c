/* Any manifest, with a verifier that believes everything: what is accepted fits this device. */
#include <stdlib.h>

#include "noctis/ota.h"

static bool verify(void *context, const uint8_t *key_id, const uint8_t *digest,
                   const uint8_t *signature) {
    (void)context, (void)key_id, (void)digest, (void)signature;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    const ota_port port = {.product = "noctis-bedside", .hardware = 3, .slot_bytes = 4096, .verify = verify};
    ota_manifest manifest;
    if (ota_read_manifest(&port, 7, bytes, length, &manifest) == OTA_OK &&
        (manifest.counter < 7 || manifest.size == 0 || manifest.size > 4096 ||
         manifest.hardware_from > 3 || manifest.hardware_to < 3)) {
        abort();
    }
    return 0;
}
