/* Any image in flash: the log mounts or says no, walks within its bounds, and takes a record. */
#include <stdlib.h>
#include <string.h>

#include "noctis/config.h"
#include "noctis/flash_log.h"
#include "noctis/ota.h"
#include "nor_ram.h"

#define SECTORS 4

/* Pieces of the input land at slots they name, some with a check that fits. */
static void lay_out(nor_ram *flash, const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at + 10 < length; at += 10) {
        uint32_t slot = bytes[at] % (SECTORS * LOG_SLOTS), sequence = bytes[at + 1];
        uint8_t *cells = flash->cells + slot * LOG_SLOT_BYTES;
        log_record record = {.type = bytes[at + 2], .index = bytes[at + 3], .recording = bytes[at + 4]};
        memcpy(record.payload, bytes + at, 10);
        if (bytes[at + 5] & 1) {
            log_record_encode(&record, sequence, cells);
        } else {
            memcpy(cells + bytes[at + 6] % (LOG_SLOT_BYTES - 10), bytes + at, 10);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static nor_ram flash;
    flash_log log;
    two_copies store;
    ota_state state;
    log_record record = {.type = LOG_EPOCH};
    uint32_t sequence, steps = 0;
    if (flash.cells == NULL) {
        nor_ram_init(&flash, SECTORS, 1);
    }
    memset(flash.cells, 0xFF, SECTORS * NOR_SECTOR_BYTES);
    flash_log_mount(&log, &flash.nor, 0, SECTORS);
    flash_log_append(&log, &record, &sequence);
    lay_out(&flash, bytes, length);
    if (flash_log_mount(&log, &flash.nor, 0, SECTORS) == LOG_OK) {
        log_position at = flash_log_begin();
        while (flash_log_next(&log, &at, &record, &sequence)) {
            if (++steps > SECTORS * LOG_SLOTS) {
                abort();
            }
        }
        if (flash_log_append(&log, &record, &sequence) != LOG_OK) {
            abort();
        }
    }
    two_copies_load(&store, &flash.nor, 0, &state, sizeof state);
    return 0;
}
