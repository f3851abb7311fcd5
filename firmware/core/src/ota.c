#include "noctis/ota.h"

#include <string.h>

#include "noctis/bytes.h"

#define MANIFEST_MAGIC 0x41544F4Eu /* "NOTA" */
#define MANIFEST_FORMAT 1
#define STATE_FORMAT 1
#define PIECE 256

enum {
    AT_MAGIC = 0,
    AT_FORMAT = 4,
    AT_HARDWARE_FROM = 6,
    AT_HARDWARE_TO = 8,
    AT_SPARE = 10,
    AT_VERSION = 12,
    AT_COUNTER = 16,
    AT_SIZE = 20,
    AT_PRODUCT = 24,
    AT_DIGEST = 40,
    AT_KEY_ID = 72,
    AT_REST = 80,
};

static bool is_zero(const uint8_t *bytes, size_t length) {
    uint8_t any = 0;
    for (size_t i = 0; i < length; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static void parse(const uint8_t *bytes, ota_manifest *manifest) {
    manifest->hardware_from = get_le16(bytes + AT_HARDWARE_FROM);
    manifest->hardware_to = get_le16(bytes + AT_HARDWARE_TO);
    manifest->version = get_le32(bytes + AT_VERSION);
    manifest->counter = get_le32(bytes + AT_COUNTER);
    manifest->size = get_le32(bytes + AT_SIZE);
    memcpy(manifest->product, bytes + AT_PRODUCT, OTA_NAME_BYTES);
    memcpy(manifest->digest, bytes + AT_DIGEST, SHA256_BYTES);
    memcpy(manifest->key_id, bytes + AT_KEY_ID, OTA_KEY_ID_BYTES);
}

static ota_result check_fit(const ota_port *port, uint32_t counter, const ota_manifest *manifest) {
    char product[OTA_NAME_BYTES] = {0};
    strncpy(product, port->product, sizeof product - 1);
    if (memcmp(manifest->product, product, sizeof product) != 0) {
        return OTA_OTHER_PRODUCT;
    }
    if (port->hardware < manifest->hardware_from || port->hardware > manifest->hardware_to) {
        return OTA_OTHER_HARDWARE;
    }
    if (manifest->counter < counter) {
        return OTA_OLD_COUNTER;
    }
    return manifest->size == 0 || manifest->size > port->slot_bytes ? OTA_BAD_SIZE : OTA_OK;
}

ota_result ota_read_manifest(const ota_port *port, uint32_t counter, const uint8_t *bytes,
                             size_t length, ota_manifest *manifest) {
    sha256 hash;
    uint8_t digest[SHA256_BYTES];
    if (length != OTA_MANIFEST_BYTES || get_le32(bytes + AT_MAGIC) != MANIFEST_MAGIC) {
        return OTA_NO_MANIFEST;
    }
    if (get_le16(bytes + AT_FORMAT) != MANIFEST_FORMAT || get_le16(bytes + AT_SPARE) != 0 ||
        !is_zero(bytes + AT_REST, OTA_SIGNED_BYTES - AT_REST)) {
        return OTA_WRONG_FORMAT;
    }
    /* The signature first: what is not signed is not worth an exact answer. */
    sha256_init(&hash);
    sha256_add(&hash, bytes, OTA_SIGNED_BYTES);
    sha256_end(&hash, digest);
    parse(bytes, manifest);
    if (!port->verify(port->context, manifest->key_id, digest, bytes + OTA_SIGNED_BYTES)) {
        return OTA_BAD_SIGNATURE;
    }
    return check_fit(port, counter, manifest);
}

/* Of two; the one that runs is never written. */
static uint32_t inactive_slot(const ota *ota) { return ota->state.active_slot == 0 ? 1 : 0; }

static bool save(ota *ota) { return two_copies_save(&ota->store, &ota->state, sizeof ota->state); }

static ota_result roll_back(ota *ota) {
    ota->state.phase = OTA_ROLLED_BACK;
    bool is_saved = save(ota);
    return ota->port->select(ota->port->context, ota->state.active_slot) && is_saved ? OTA_OK
                                                                                   : OTA_STORAGE;
}

/* Each boot of a new image is paid for before it runs on: one that crashes at once comes back
 * here with fewer left. */
static ota_result go_on_with_trial(ota *ota, uint32_t running_slot) {
    if (ota->state.trials_left == 0) {
        return roll_back(ota);
    }
    ota->state.trials_left--;
    bool is_running = running_slot == ota->state.trial_slot;
    ota->state.phase = is_running ? OTA_TRIAL : OTA_READY;
    if (!save(ota)) {
        return OTA_STORAGE;
    }
    /* The power went before the boot loader was told. */
    return is_running || ota->port->select(ota->port->context, ota->state.trial_slot) ? OTA_OK
                                                                                     : OTA_STORAGE;
}

ota_result ota_boot(ota *ota, const ota_port *port, const nor_flash *nor, uint32_t first_sector,
                    uint32_t running_slot) {
    memset(ota, 0, sizeof *ota);
    ota->port = port;
    ota_state *state = &ota->state;
    bool is_loaded = two_copies_load(&ota->store, nor, first_sector, state, sizeof *state);
    if (!is_loaded || state->format != STATE_FORMAT) {
        *state = (ota_state){.format = STATE_FORMAT, .active_slot = running_slot};
        return save(ota) ? OTA_OK : OTA_STORAGE;
    }
    if (state->phase == OTA_READY || state->phase == OTA_TRIAL) {
        return go_on_with_trial(ota, running_slot);
    }
    /* What runs is not what was confirmed: the boot loader still has to be told. */
    if (running_slot != state->active_slot && !port->select(port->context, state->active_slot)) {
        return OTA_STORAGE;
    }
    return OTA_OK;
}

ota_result ota_begin(ota *ota, const uint8_t *manifest, size_t length) {
    return ota_resume(ota, manifest, length, 0);
}

ota_result ota_resume(ota *ota, const uint8_t *manifest, size_t length, uint32_t received) {
    if (ota->state.phase == OTA_READY || ota->state.phase == OTA_TRIAL) {
        return OTA_BUSY; /* the other slot is the way back, or about to be started */
    }
    ota->is_receiving = false;
    ota_result result =
        ota_read_manifest(ota->port, ota->state.counter, manifest, length, &ota->manifest);
    if (result != OTA_OK) {
        return result;
    }
    if (received >= ota->manifest.size) {
        return OTA_WRONG_ORDER;
    }
    uint32_t slot = inactive_slot(ota);
    ota->is_receiving =
        ota->port->begin(ota->port->context, slot, received, ota->manifest.size);
    ota->received = received;
    return ota->is_receiving ? OTA_OK : OTA_STORAGE;
}

ota_result ota_write(ota *ota, uint32_t offset, const void *bytes, size_t length) {
    if (!ota->is_receiving || offset != ota->received) {
        return OTA_WRONG_ORDER;
    }
    if (length > ota->manifest.size - ota->received) {
        ota->is_receiving = false;
        return OTA_TOO_LONG;
    }
    uint32_t slot = inactive_slot(ota);
    if (!ota->port->write(ota->port->context, slot, offset, bytes, length)) {
        ota->is_receiving = false;
        return OTA_STORAGE;
    }
    ota->received += (uint32_t)length;
    return OTA_OK;
}

/* Over what the flash holds, not over what was received. */
static ota_result check_image(const ota *ota, uint32_t slot) {
    sha256 hash;
    uint8_t piece[PIECE], digest[SHA256_BYTES];
    sha256_init(&hash);
    for (uint32_t at = 0; at < ota->manifest.size; at += PIECE) {
        uint32_t left = ota->manifest.size - at, part = left < PIECE ? left : PIECE;
        if (!ota->port->read(ota->port->context, slot, at, piece, part)) {
            return OTA_STORAGE;
        }
        sha256_add(&hash, piece, part);
    }
    sha256_end(&hash, digest);
    return memcmp(digest, ota->manifest.digest, sizeof digest) == 0 ? OTA_OK : OTA_WRONG_DIGEST;
}

ota_result ota_finish(ota *ota) {
    uint32_t slot = inactive_slot(ota);
    if (!ota->is_receiving || ota->received != ota->manifest.size) {
        return OTA_WRONG_ORDER;
    }
    ota->is_receiving = false;
    ota_result result = check_image(ota, slot);
    if (result != OTA_OK) {
        return result;
    }
    ota_state before = ota->state;
    ota->state.phase = OTA_READY;
    ota->state.trial_slot = slot;
    ota->state.trials_left = OTA_TRIALS;
    ota->state.trial_counter = ota->manifest.counter;
    ota->state.trial_version = ota->manifest.version;
    if (!save(ota)) {
        ota->state = before;
        return OTA_STORAGE;
    }
    return ota->port->select(ota->port->context, slot) ? OTA_OK : OTA_STORAGE;
}

ota_result ota_confirm(ota *ota, const ota_evidence *evidence) {
    if (ota->state.phase != OTA_TRIAL || !evidence->sensors_seen || !evidence->log_mounted ||
        !evidence->uploaded_once) {
        return OTA_OK;
    }
    ota_state before = ota->state;
    ota->state.phase = OTA_IDLE;
    ota->state.active_slot = ota->state.trial_slot;
    ota->state.version = ota->state.trial_version;
    if (ota->state.trial_counter > ota->state.counter) {
        ota->state.counter = ota->state.trial_counter;
    }
    if (!save(ota)) {
        ota->state = before;
        return OTA_STORAGE;
    }
    return OTA_OK;
}
