/* Updates: a signed manifest, an image into the inactive slot, a trial, and a way back.
 * The state is durable (two copies) before each step that depends on it. */
#ifndef NOCTIS_OTA_H
#define NOCTIS_OTA_H

#include "noctis/config.h"
#include "noctis/sha256.h"

#define OTA_MANIFEST_BYTES 192
#define OTA_SIGNED_BYTES 128
#define OTA_SIGNATURE_BYTES 64
#define OTA_NAME_BYTES 16
#define OTA_KEY_ID_BYTES 8
/* Boots that a new image gets to prove itself. */
#define OTA_TRIALS 3

typedef struct {
    char product[OTA_NAME_BYTES];
    uint16_t hardware_from, hardware_to; /* revisions it runs on, both included */
    uint32_t version, counter, size;
    uint8_t digest[SHA256_BYTES];
    uint8_t key_id[OTA_KEY_ID_BYTES];
} ota_manifest;

typedef enum {
    OTA_OK,
    OTA_NO_MANIFEST,
    OTA_WRONG_FORMAT,
    OTA_OTHER_PRODUCT,
    OTA_OTHER_HARDWARE,
    OTA_OLD_COUNTER,
    OTA_BAD_SIZE,
    OTA_BAD_SIGNATURE,
    OTA_BUSY,
    OTA_WRONG_ORDER,
    OTA_TOO_LONG,
    OTA_WRONG_DIGEST,
    OTA_STORAGE,
} ota_result;

typedef enum { OTA_IDLE, OTA_READY, OTA_TRIAL, OTA_ROLLED_BACK } ota_phase;

/* What is durable. The security counter only ever grows. */
typedef struct {
    uint32_t format, phase;
    uint32_t active_slot, trial_slot;
    uint32_t trials_left;
    uint32_t counter, trial_counter;
    uint32_t version, trial_version;
} ota_state;

/* What the device is and what the port can do with an image slot. */
typedef struct {
    void *context;
    const char *product;
    uint16_t hardware;
    uint32_t slot_bytes;
    bool (*verify)(void *context, const uint8_t key_id[OTA_KEY_ID_BYTES],
                   const uint8_t digest[SHA256_BYTES],
                   const uint8_t signature[OTA_SIGNATURE_BYTES]);
    /* Erase the slot from `from` on, as far as an image of `size` reaches. */
    bool (*begin)(void *context, uint32_t slot, uint32_t from, uint32_t size);
    bool (*write)(void *context, uint32_t slot, uint32_t offset, const void *bytes, size_t length);
    bool (*read)(void *context, uint32_t slot, uint32_t offset, void *bytes, size_t length);
    bool (*select)(void *context, uint32_t slot); /* what the boot loader starts next */
} ota_port;

typedef struct {
    const ota_port *port;
    two_copies store;
    ota_state state;
    ota_manifest manifest;
    uint32_t received;
    bool is_receiving;
} ota;

typedef struct {
    bool sensors_seen, log_mounted, uploaded_once;
} ota_evidence;

ota_result ota_read_manifest(const ota_port *port, uint32_t counter, const uint8_t *bytes,
                             size_t length, ota_manifest *manifest);
/* Load the state at boot, and decide which slot must run: a trial that is used up goes back. */
ota_result ota_boot(ota *ota, const ota_port *port, const nor_flash *nor, uint32_t first_sector,
                    uint32_t running_slot);
ota_result ota_begin(ota *ota, const uint8_t *manifest, size_t length);
/* The same where the first `received` bytes of this very image stand in the slot already. */
ota_result ota_resume(ota *ota, const uint8_t *manifest, size_t length, uint32_t received);
ota_result ota_write(ota *ota, uint32_t offset, const void *bytes, size_t length);
/* Read the image back, check it, and arrange for its trial. The reboot is the caller's. */
ota_result ota_finish(ota *ota);
/* Keep the image on trial once it has shown all three; does nothing otherwise. */
ota_result ota_confirm(ota *ota, const ota_evidence *evidence);

#endif
