/* See docs/FLASH_FORMAT.md for the layout and for why each step is in this order. */
#include "noctis/flash_log.h"

#include <string.h>

#include "noctis/bytes.h"
#include "noctis/crc.h"

#define HEADER_MAGIC 0x31474C4Eu /* "NLG1" */
#define CRC_AT (LOG_SLOT_BYTES - 4)
#define BLANK 0xFF
#define BURNT 0x00
/* A slot that does not verify is left behind; after this many in a row, so is the sector. */
#define SLOT_TRIES 3
/* Sectors that may refuse to open one after another before storage counts as broken. */
#define SECTOR_TRIES 8
#define SECTORS_AHEAD 2
/* A position that becomes the oldest sector when the walk begins: until then the ring may turn. */
#define AT_BEGIN UINT32_MAX

enum {
    AT_MAGIC = 0,
    AT_GENERATION = 4,
    AT_INVERSE = 8,
    AT_TAIL = 12,
    AT_CURSOR = 16,
    AT_LOST = 20,
    AT_REPORTED = 24,
    AT_RECORDING = 28,
};
enum { AT_TYPE = 0, AT_LENGTH = 1, AT_INDEX = 2, AT_NIGHT = 4, AT_TIME = 8, AT_PAYLOAD = 16 };

static uint32_t address_of(const flash_log *log, uint32_t sector, uint32_t slot) {
    return (log->first_sector + sector) * NOR_SECTOR_BYTES + slot * LOG_SLOT_BYTES;
}

static uint32_t following(const flash_log *log, uint32_t sector) {
    return sector + 1 == log->sectors ? 0 : sector + 1;
}

static uint32_t sequence_of(uint32_t generation, uint32_t slot) {
    return generation * LOG_SLOTS + slot;
}

static bool read_slot(const flash_log *log, uint32_t sector, uint32_t slot, uint8_t *bytes) {
    const nor_flash *nor = log->nor;
    return nor->read(nor->context, address_of(log, sector, slot), bytes, LOG_SLOT_BYTES);
}

static bool is_filled_with(const uint8_t *bytes, uint8_t value) {
    for (size_t i = 0; i < LOG_SLOT_BYTES; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

/* A driver that says "done" may have done nothing (a flash in deep power-down): only what reads
 * back as it was meant is written. */
static bool write_slot(const flash_log *log, uint32_t sector, uint32_t slot, const uint8_t *bytes) {
    const nor_flash *nor = log->nor;
    uint8_t back[LOG_SLOT_BYTES];
    uint32_t address = address_of(log, sector, slot);
    return nor->program(nor->context, address, bytes, LOG_SLOT_BYTES) &&
           read_slot(log, sector, slot, back) && memcmp(back, bytes, LOG_SLOT_BYTES) == 0;
}

void log_record_encode(const log_record *record, uint32_t sequence, uint8_t slot[LOG_SLOT_BYTES]) {
    memset(slot, BLANK, LOG_SLOT_BYTES);
    slot[AT_TYPE] = record->type;
    slot[AT_LENGTH] = LOG_PAYLOAD_BYTES;
    put_le16(slot + AT_INDEX, record->index);
    put_le32(slot + AT_NIGHT, record->recording);
    put_le64(slot + AT_TIME, (uint64_t)record->at_ms);
    memcpy(slot + AT_PAYLOAD, record->payload, LOG_PAYLOAD_BYTES);
    put_le32(slot + CRC_AT, crc32c_of(sequence, slot, CRC_AT));
}

bool log_record_decode(log_record *record, uint32_t sequence, const uint8_t slot[LOG_SLOT_BYTES]) {
    if (slot[AT_LENGTH] != LOG_PAYLOAD_BYTES ||
        get_le32(slot + CRC_AT) != crc32c_of(sequence, slot, CRC_AT)) {
        return false;
    }
    record->type = slot[AT_TYPE];
    record->index = get_le16(slot + AT_INDEX);
    record->recording = get_le32(slot + AT_NIGHT);
    record->at_ms = (int64_t)get_le64(slot + AT_TIME);
    memcpy(record->payload, slot + AT_PAYLOAD, LOG_PAYLOAD_BYTES);
    return true;
}

static bool read_header(const flash_log *log, uint32_t sector, uint8_t *header,
                        uint32_t *generation) {
    if (!read_slot(log, sector, 0, header) || get_le32(header + AT_MAGIC) != HEADER_MAGIC ||
        get_le32(header + CRC_AT) != crc32c_of(0, header, CRC_AT)) {
        return false;
    }
    *generation = get_le32(header + AT_GENERATION);
    return *generation == ~get_le32(header + AT_INVERSE);
}

static bool write_header(const flash_log *log, uint32_t sector, uint32_t generation) {
    uint8_t header[LOG_SLOT_BYTES];
    memset(header, BLANK, sizeof header);
    put_le32(header + AT_MAGIC, HEADER_MAGIC);
    put_le32(header + AT_GENERATION, generation);
    put_le32(header + AT_INVERSE, ~generation);
    put_le32(header + AT_TAIL, log->tail_generation);
    put_le32(header + AT_CURSOR, log->cursor);
    put_le32(header + AT_LOST, log->lost);
    put_le32(header + AT_REPORTED, log->lost_reported);
    put_le32(header + AT_RECORDING, log->last_recording);
    put_le32(header + CRC_AT, crc32c_of(0, header, CRC_AT));
    return write_slot(log, sector, 0, header);
}

static void take_header(flash_log *log, const uint8_t *header, uint32_t generation) {
    log->generation = generation;
    log->tail_generation = get_le32(header + AT_TAIL);
    log->cursor = get_le32(header + AT_CURSOR);
    log->lost = get_le32(header + AT_LOST);
    log->lost_reported = get_le32(header + AT_REPORTED);
    log->last_recording = get_le32(header + AT_RECORDING);
}

static void take_record(flash_log *log, const log_record *record) {
    uint32_t value = get_le32(record->payload);
    if (record->type == LOG_CURSOR && serial_after(value, log->cursor)) {
        log->cursor = value;
    } else if (record->type == LOG_GAP && serial_after(value, log->lost_reported)) {
        log->lost_reported = value;
    }
    if (serial_after(record->recording, log->last_recording)) {
        log->last_recording = record->recording;
    }
}

static bool is_pending(const flash_log *log, const log_record *record, uint32_t sequence) {
    return record->type == LOG_EPOCH && serial_after(sequence, log->cursor);
}

static bool is_live(const flash_log *log, uint32_t generation) {
    return !serial_after(log->tail_generation, generation);
}

static bool read_record(const flash_log *log, const log_position *at, log_record *record) {
    uint8_t bytes[LOG_SLOT_BYTES];
    return read_slot(log, at->sector, at->slot, bytes) &&
           log_record_decode(record, sequence_of(at->generation, at->slot), bytes);
}

static uint32_t count_pending(const flash_log *log, uint32_t sector, uint32_t generation) {
    uint32_t pending = 0;
    log_position at = {sector, 1, generation};
    for (; at.slot < LOG_SLOTS; at.slot++) {
        log_record record;
        pending += read_record(log, &at, &record) &&
                   is_pending(log, &record, sequence_of(generation, at.slot));
    }
    return pending;
}

/* Give a sector up, counting what nobody acknowledged. Until a header says so, only in memory. */
static void retire(flash_log *log, uint32_t sector) {
    uint8_t header[LOG_SLOT_BYTES];
    uint32_t generation;
    if (read_header(log, sector, header, &generation) && is_live(log, generation)) {
        log->lost += count_pending(log, sector, generation);
        log->tail_generation = generation + 1;
    }
}

static bool erase_sector(const flash_log *log, uint32_t sector) {
    uint8_t bytes[LOG_SLOT_BYTES];
    if (!log->nor->erase(log->nor->context, address_of(log, sector, 0))) {
        return false;
    }
    for (uint32_t slot = 0; slot < LOG_SLOTS; slot++) {
        if (!read_slot(log, sector, slot, bytes) || !is_filled_with(bytes, BLANK)) {
            return false;
        }
    }
    return true;
}

/* A sector is erased each time, even one that reads blank: an erase that was cut short leaves
 * cells that read right today. The header also gives up the sectors after it, so that what the
 * next erase destroys has been counted durably before, also where one bad sector is skipped. */
static bool open_sector(flash_log *log, uint32_t sector) {
    if (!erase_sector(log, sector)) {
        return false;
    }
    uint32_t ahead = sector;
    for (int i = 0; i < SECTORS_AHEAD; i++) {
        ahead = following(log, ahead);
        retire(log, ahead);
    }
    if (!write_header(log, sector, log->generation + 1)) {
        return false;
    }
    log->generation++;
    log->head_sector = sector;
    log->head_slot = 1;
    return true;
}

static log_status open_next(flash_log *log) {
    uint32_t sector = log->head_sector;
    for (int tries = 0; tries < SECTOR_TRIES; tries++) {
        sector = following(log, sector);
        retire(log, sector); /* does nothing unless more than one bad sector was skipped */
        if (open_sector(log, sector) || open_sector(log, sector)) {
            return LOG_OK;
        }
        log->failed_sectors++;
    }
    return LOG_FAILED;
}

static bool find_newest(flash_log *log, uint8_t *newest) {
    bool is_found = false;
    for (uint32_t sector = 0; sector < log->sectors; sector++) {
        uint8_t header[LOG_SLOT_BYTES];
        uint32_t generation;
        if (read_header(log, sector, header, &generation) &&
            (!is_found || serial_after(generation, log->generation))) {
            is_found = true;
            log->head_sector = sector;
            take_header(log, header, generation);
            memcpy(newest, header, LOG_SLOT_BYTES);
        }
    }
    return is_found;
}

/* Reads the head sector: what its records say, and where the last slot that is not blank stands.
 * Says whether there is a valid record: that one was written after the header had been verified,
 * so the header is whole and no erase has begun since. */
static bool replay_head(flash_log *log) {
    bool is_proven = false;
    log->head_slot = 1;
    log_position at = {log->head_sector, 1, log->generation};
    for (; at.slot < LOG_SLOTS; at.slot++) {
        uint8_t bytes[LOG_SLOT_BYTES];
        log_record record;
        bool is_read = read_slot(log, at.sector, at.slot, bytes);
        if (!is_read || !is_filled_with(bytes, BLANK)) {
            log->head_slot = at.slot + 1;
            if (is_read && log_record_decode(&record, sequence_of(at.generation, at.slot), bytes)) {
                is_proven = true;
                take_record(log, &record);
            }
        }
    }
    return is_proven;
}

/* The cut may have come while this slot was programmed: cells may be half-way and read blank.
 * Driving all of them to zero settles that, and marks the slot as used for the next boot. */
static void burn_slot(flash_log *log) {
    if (log->head_slot < LOG_SLOTS) {
        uint8_t zeros[LOG_SLOT_BYTES];
        memset(zeros, BURNT, sizeof zeros);
        (void)write_slot(log, log->head_sector, log->head_slot, zeros);
        log->head_slot++;
    }
}

log_status flash_log_mount(flash_log *log, const nor_flash *nor, uint32_t first, uint32_t sectors) {
    uint8_t header[LOG_SLOT_BYTES];
    memset(log, 0, sizeof *log);
    log->nor = nor;
    log->first_sector = first;
    log->sectors = sectors;
    log->head_sector = sectors - 1; /* a new log begins in the sector after it */
    log->tail_generation = 1;
    log_status status = LOG_OK;
    if (!find_newest(log, header)) {
        status = open_next(log);
    } else if (replay_head(log)) {
        burn_slot(log);
    } else if (!open_sector(log, log->head_sector)) {
        log->failed_sectors++;
        status = open_next(log);
    }
    log->is_open = status == LOG_OK;
    return status;
}

static bool try_slots(flash_log *log, const log_record *record, uint32_t *sequence) {
    uint8_t bytes[LOG_SLOT_BYTES];
    for (int tries = 0; tries < SLOT_TRIES && log->head_slot < LOG_SLOTS; tries++) {
        uint32_t slot = log->head_slot++;
        *sequence = sequence_of(log->generation, slot);
        log_record_encode(record, *sequence, bytes);
        if (write_slot(log, log->head_sector, slot, bytes)) {
            return true;
        }
        log->failed_slots++;
    }
    return false;
}

log_status flash_log_append(flash_log *log, const log_record *record, uint32_t *sequence) {
    for (int tries = 0; log->is_open && tries < SECTOR_TRIES; tries++) {
        if (try_slots(log, record, sequence)) {
            take_record(log, record);
            return LOG_OK;
        }
        log->is_open = open_next(log) == LOG_OK;
    }
    return LOG_FAILED;
}

static log_status append_number(flash_log *log, uint8_t type, uint32_t number) {
    log_record record = {.type = type, .recording = log->last_recording};
    uint32_t sequence;
    put_le32(record.payload, number);
    return flash_log_append(log, &record, &sequence);
}

log_status flash_log_acknowledge(flash_log *log, uint32_t sequence) {
    return serial_after(sequence, log->cursor) ? append_number(log, LOG_CURSOR, sequence) : LOG_OK;
}

log_status flash_log_note_reported(flash_log *log, uint32_t lost_reported) {
    return append_number(log, LOG_GAP, lost_reported);
}

log_position flash_log_begin(void) { return (log_position){AT_BEGIN, 0, 0}; }

static bool enter_sector(const flash_log *log, log_position *at) {
    uint8_t header[LOG_SLOT_BYTES];
    at->slot = 1;
    return read_header(log, at->sector, header, &at->generation) && is_live(log, at->generation);
}

bool flash_log_next(const flash_log *log, log_position *at, log_record *record,
                    uint32_t *sequence) {
    bool is_overtaken = at->slot > 0 && !is_live(log, at->generation);
    if (at->sector == AT_BEGIN || is_overtaken) {
        *at = (log_position){following(log, log->head_sector), 0, 0};
    }
    for (;;) {
        bool is_readable = at->slot > 0 || enter_sector(log, at);
        bool is_head = at->sector == log->head_sector;
        uint32_t end = is_head ? log->head_slot : LOG_SLOTS;
        while (is_readable && at->slot < end) {
            bool is_valid = read_record(log, at, record);
            *sequence = sequence_of(at->generation, at->slot++);
            if (is_valid) {
                return true;
            }
        }
        if (is_head) {
            return false;
        }
        *at = (log_position){following(log, at->sector), 0, 0};
    }
}

bool flash_log_next_pending(const flash_log *log, log_position *at, log_record *record,
                            uint32_t *sequence) {
    while (flash_log_next(log, at, record, sequence)) {
        if (is_pending(log, record, *sequence)) {
            return true;
        }
    }
    return false;
}

bool flash_log_newest_epoch(const flash_log *log, log_record *record) {
    uint32_t before = log->head_sector == 0 ? log->sectors - 1 : log->head_sector - 1;
    log_position at = {before, 0, 0};
    log_record found;
    uint32_t sequence;
    bool is_found = false;
    while (flash_log_next(log, &at, &found, &sequence)) {
        if (found.type == LOG_EPOCH) {
            *record = found;
            is_found = true;
        }
    }
    return is_found;
}
