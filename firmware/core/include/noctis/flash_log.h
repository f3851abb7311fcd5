/* The durable log: a ring of flash sectors in which every epoch survives any power cut.
 * One record is one 64-byte slot, programmed once, read back, never rewritten in place. */
#ifndef NOCTIS_FLASH_LOG_H
#define NOCTIS_FLASH_LOG_H

#include "noctis/nor.h"
#include "noctis/units.h"

#define LOG_SLOT_BYTES 64
#define LOG_SLOTS (NOR_SECTOR_BYTES / LOG_SLOT_BYTES) /* slot 0 is the sector's header */
#define LOG_SECTORS 2032                              /* 16 more hold configuration and crash */
#define LOG_PAYLOAD_BYTES (2 * NOC_FEATURES)

typedef enum {
    LOG_EPOCH = 0x11,
    LOG_CURSOR = 0x22,
    LOG_TIME = 0x33,
    LOG_BOOT = 0x44,
    LOG_QUARANTINED = 0x55,
    LOG_GAP = 0x66,
} log_type;

typedef struct {
    uint8_t type;
    uint16_t index;     /* of the epoch in its recording */
    uint32_t recording; /* the device's own number of the night */
    int64_t at_ms;      /* wall time; negative: milliseconds since boot, the clock untrusted */
    uint8_t payload[LOG_PAYLOAD_BYTES];
} log_record;

typedef enum { LOG_OK, LOG_FAILED } log_status;

/* Sequence numbers are positions: generation * LOG_SLOTS + slot, compared as serial numbers. */
typedef struct {
    uint32_t sector, slot;
    uint32_t generation; /* of the sector, once its header was read */
} log_position;

typedef struct {
    const nor_flash *nor;
    uint32_t first_sector, sectors;
    uint32_t head_sector, head_slot; /* the next slot to be written */
    uint32_t generation;             /* of the head sector */
    uint32_t tail_generation;        /* older sectors are dead */
    uint32_t cursor;                 /* the newest acknowledged sequence number */
    uint32_t lost, lost_reported;    /* epochs overwritten before they were acknowledged */
    uint32_t last_recording;
    uint32_t failed_slots, failed_sectors; /* since mounting, for telemetry */
    bool is_open;
} flash_log;

/* Find the head after any power cut, or open a new log in what holds none. */
log_status flash_log_mount(flash_log *log, const nor_flash *nor, uint32_t first, uint32_t sectors);
/* Durable and verified when it answers LOG_OK; then `sequence` is where it stands. */
log_status flash_log_append(flash_log *log, const log_record *record, uint32_t *sequence);
log_status flash_log_acknowledge(flash_log *log, uint32_t sequence);
log_status flash_log_note_reported(flash_log *log, uint32_t lost_reported);

/* Walk the live records, oldest first; `sequence` tells a caller what the cursor may cover. */
log_position flash_log_begin(void);
bool flash_log_next(const flash_log *log, log_position *at, log_record *record, uint32_t *sequence);
/* The same for epochs that are not acknowledged. */
bool flash_log_next_pending(const flash_log *log, log_position *at, log_record *record,
                            uint32_t *sequence);
/* The newest epoch of the last two sectors: where a night goes on after a reboot. */
bool flash_log_newest_epoch(const flash_log *log, log_record *record);

/* Serial-number order (RFC 1982): right across the wrap, for distances below 2^31. */
static inline bool serial_after(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }

/* The bytes of a slot at one place; the place is part of the check, so nothing stale is valid. */
void log_record_encode(const log_record *record, uint32_t sequence, uint8_t slot[LOG_SLOT_BYTES]);
bool log_record_decode(log_record *record, uint32_t sequence, const uint8_t slot[LOG_SLOT_BYTES]);

#endif
