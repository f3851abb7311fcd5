#include <string.h>

#include "../check.h"
#include "noctis/bytes.h"
#include "noctis/crc.h"
#include "noctis/flash_log.h"
#include "nor_ram.h"
#include "suites.h"

#define SECTORS 5

static nor_ram flash;
static flash_log log_;

static void open_log(void) {
    nor_ram_init(&flash, SECTORS + 1, 7);
    CHECK_EQUAL(flash_log_mount(&log_, &flash.nor, 1, SECTORS), LOG_OK);
}

static void remount(void) {
    nor_ram_power_on(&flash);
    CHECK_EQUAL(flash_log_mount(&log_, &flash.nor, 1, SECTORS), LOG_OK);
}

static uint32_t write_epochs(uint32_t recording, uint16_t from, uint16_t count) {
    uint32_t sequence = 0;
    for (uint16_t i = 0; i < count; i++) {
        log_record record = {.type = LOG_EPOCH, .index = (uint16_t)(from + i), .recording = recording};
        record.payload[0] = (uint8_t)(from + i);
        CHECK_EQUAL(flash_log_append(&log_, &record, &sequence), LOG_OK);
    }
    return sequence;
}

static uint32_t count_pending(void) {
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence, count = 0;
    while (flash_log_next_pending(&log_, &at, &record, &sequence)) {
        count++;
    }
    return count;
}

static void crcs_are_the_standard_ones(void) {
    CHECK_EQUAL(crc32_of(0, "123456789", 9), 0xCBF43926);
    CHECK_EQUAL(crc32c_of(0, "123456789", 9), 0xE3069283);
    CHECK_EQUAL(crc32_of(crc32_of(0, "1234", 4), "56789", 5), 0xCBF43926);
}

static void a_record_is_read_as_it_was_written(void) {
    open_log();
    log_record record = {LOG_EPOCH, 2879, 0xFFFFFFFE, -12345678901, {1, 2, 3}}, back;
    uint32_t sequence, again;
    CHECK_EQUAL(flash_log_append(&log_, &record, &sequence), LOG_OK);
    log_position at = flash_log_begin();
    CHECK(flash_log_next(&log_, &at, &back, &again));
    CHECK_EQUAL(again, sequence);
    CHECK(back.type == LOG_EPOCH && back.index == 2879 && back.recording == 0xFFFFFFFE);
    CHECK(back.at_ms == -12345678901 && memcmp(back.payload, record.payload, LOG_PAYLOAD_BYTES) == 0);
    CHECK(!flash_log_next(&log_, &at, &back, &again));
    nor_ram_free(&flash);
}

static void a_record_is_only_valid_at_its_own_place(void) {
    log_record record = {.type = LOG_EPOCH}, back;
    uint8_t slot[LOG_SLOT_BYTES];
    log_record_encode(&record, 65, slot);
    CHECK(log_record_decode(&back, 65, slot));
    CHECK(!log_record_decode(&back, 66, slot));
    slot[1] ^= 1;
    CHECK(!log_record_decode(&back, 65, slot));
}

static void every_flipped_bit_is_seen(void) {
    log_record record = {.type = LOG_EPOCH, .index = 5, .recording = 9, .at_ms = 77}, back;
    uint8_t slot[LOG_SLOT_BYTES];
    log_record_encode(&record, 1234, slot);
    for (int bit = 0; bit < LOG_SLOT_BYTES * 8; bit++) {
        slot[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!log_record_decode(&back, 1234, slot));
        slot[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void one_slot_is_burnt_after_a_reboot(void) {
    open_log();
    uint32_t before = write_epochs(1, 0, 3);
    remount();
    uint8_t *burnt = flash.cells + (1 + log_.head_sector) * NOR_SECTOR_BYTES + 4 * LOG_SLOT_BYTES;
    for (int i = 0; i < LOG_SLOT_BYTES; i++) {
        CHECK_EQUAL(burnt[i], 0);
    }
    CHECK_EQUAL(write_epochs(1, 3, 1), before + 2);
    CHECK_EQUAL(count_pending(), 4);
    nor_ram_free(&flash);
}

static void the_cursor_moves_into_each_new_sector(void) {
    open_log();
    uint32_t sequence = write_epochs(1, 0, 10);
    CHECK_EQUAL(flash_log_acknowledge(&log_, sequence), LOG_OK);
    CHECK_EQUAL(flash_log_note_reported(&log_, 3), LOG_OK);
    write_epochs(7, 10, 70);
    CHECK(log_.generation > 1);
    remount();
    CHECK_EQUAL(log_.cursor, sequence);
    CHECK_EQUAL(log_.lost_reported, 3);
    CHECK_EQUAL(log_.last_recording, 7);
    CHECK_EQUAL(count_pending(), 70);
    nor_ram_free(&flash);
}

static void the_cursor_never_goes_back(void) {
    open_log();
    uint32_t sequence = write_epochs(1, 0, 10);
    CHECK_EQUAL(flash_log_acknowledge(&log_, sequence), LOG_OK);
    CHECK_EQUAL(flash_log_acknowledge(&log_, sequence - 5), LOG_OK);
    CHECK_EQUAL(log_.cursor, sequence);
    uint32_t head = log_.head_slot;
    CHECK_EQUAL(flash_log_acknowledge(&log_, sequence), LOG_OK);
    CHECK_EQUAL(log_.head_slot, head);
    nor_ram_free(&flash);
}

static void what_is_overwritten_unsent_is_counted(void) {
    open_log();
    uint32_t sequence = write_epochs(1, 0, 20);
    flash_log_acknowledge(&log_, sequence);
    write_epochs(1, 20, 600);
    uint32_t pending = count_pending();
    CHECK_EQUAL(pending + log_.lost, 600);
    CHECK(pending >= 2 * (LOG_SLOTS - 1));
    uint32_t lost = log_.lost;
    remount();
    CHECK_EQUAL(log_.lost, lost);
    CHECK_EQUAL(count_pending(), pending);
    nor_ram_free(&flash);
}

static void acknowledged_epochs_go_without_being_counted(void) {
    open_log();
    for (uint16_t i = 0; i < 20; i++) {
        flash_log_acknowledge(&log_, write_epochs(1, (uint16_t)(i * 30), 30));
    }
    CHECK_EQUAL(log_.lost, 0);
    CHECK_EQUAL(count_pending(), 0);
    nor_ram_free(&flash);
}

static void a_walker_that_is_overtaken_begins_anew(void) {
    open_log();
    write_epochs(1, 0, 30);
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence, count = 0;
    CHECK(flash_log_next(&log_, &at, &record, &sequence));
    write_epochs(1, 30, 500);
    uint16_t previous = 0;
    while (flash_log_next(&log_, &at, &record, &sequence)) {
        CHECK(record.index > previous);
        previous = record.index;
        count++;
    }
    CHECK_EQUAL(count + log_.lost, 530);
    write_epochs(1, 530, 1);
    CHECK(flash_log_next(&log_, &at, &record, &sequence) && record.index == 530);
    nor_ram_free(&flash);
}

static void generations_are_serial_numbers(void) {
    CHECK(serial_after(0, 0xFFFFFFFF));
    CHECK(!serial_after(0xFFFFFFFF, 0));
    CHECK(!serial_after(5, 5));
    open_log();
    memset(flash.cells + NOR_SECTOR_BYTES, 0, NOR_SECTOR_BYTES); /* what generation 1 left */
    log_.generation = 0xFFFFFFFE;
    log_.tail_generation = 0xFFFFFFFE;
    log_.cursor = 0xFFFFFFFEu * LOG_SLOTS;
    log_.head_slot = LOG_SLOTS;
    write_epochs(1, 0, 130);
    CHECK_EQUAL(log_.generation, 1);
    remount();
    CHECK_EQUAL(log_.generation, 1);
    CHECK_EQUAL(count_pending(), 130);
    nor_ram_free(&flash);
}

static bool no_read(void *context, uint32_t address, void *bytes, size_t length) {
    (void)context, (void)address, (void)bytes, (void)length;
    return false;
}

static bool lies(void *context, uint32_t address, const void *bytes, size_t length) {
    (void)context, (void)address, (void)bytes, (void)length;
    return true;
}

static bool lies_erased(void *context, uint32_t address) {
    (void)context, (void)address;
    return true;
}

static void a_driver_that_lies_is_not_believed(void) {
    open_log();
    nor_flash honest = flash.nor;
    flash.nor.program = lies;
    log_record record = {.type = LOG_EPOCH};
    uint32_t sequence;
    CHECK_EQUAL(flash_log_append(&log_, &record, &sequence), LOG_FAILED);
    CHECK(log_.failed_slots > 0 && log_.failed_sectors > 0);
    CHECK_EQUAL(flash_log_append(&log_, &record, &sequence), LOG_FAILED);
    flash.nor = honest;
    remount();
    CHECK_EQUAL(flash_log_append(&log_, &record, &sequence), LOG_OK);
    memset(flash.cells, 0, (SECTORS + 1) * NOR_SECTOR_BYTES);
    flash.nor.erase = lies_erased;
    CHECK_EQUAL(flash_log_mount(&log_, &flash.nor, 1, SECTORS), LOG_FAILED);
    flash.nor.read = no_read;
    CHECK_EQUAL(flash_log_mount(&log_, &flash.nor, 1, SECTORS), LOG_FAILED);
    nor_ram_free(&flash);
}

/* One sector refuses to be erased: it is passed over, and nothing is lost but what it held. */
static uint32_t bad_address;
static bool (*honest_erase)(void *, uint32_t);

static bool erases_all_but_one(void *context, uint32_t address) {
    return address != bad_address && honest_erase(context, address);
}

static void a_bad_sector_is_passed_over(void) {
    open_log();
    honest_erase = flash.nor.erase;
    bad_address = (1 + 2) * NOR_SECTOR_BYTES;
    flash.nor.erase = erases_all_but_one;
    write_epochs(1, 0, 400);
    CHECK(log_.failed_sectors > 0);
    CHECK_EQUAL(count_pending() + log_.lost, 400);
    remount();
    CHECK_EQUAL(count_pending() + log_.lost, 400);
    nor_ram_free(&flash);
}

static void a_sector_of_torn_records_is_opened_anew(void) {
    open_log();
    for (uint32_t slot = 1; slot < LOG_SLOTS; slot++) {
        flash.cells[(1 + log_.head_sector) * NOR_SECTOR_BYTES + slot * LOG_SLOT_BYTES] = 0x77;
    }
    uint32_t sector = log_.head_sector, generation = log_.generation;
    remount();
    CHECK_EQUAL(log_.head_sector, sector);
    CHECK_EQUAL(log_.generation, generation + 1);
    nor_ram_free(&flash);
}

static void three_bad_slots_in_a_row_end_a_sector(void) {
    open_log();
    write_epochs(1, 0, 1);
    uint8_t *slot = flash.cells + (1 + log_.head_sector) * NOR_SECTOR_BYTES + 2 * LOG_SLOT_BYTES;
    memset(slot, 0, 3 * LOG_SLOT_BYTES);
    uint32_t generation = log_.generation;
    write_epochs(1, 1, 1);
    CHECK_EQUAL(log_.failed_slots, 3);
    CHECK_EQUAL(log_.generation, generation + 1);
    CHECK_EQUAL(count_pending(), 2);
    nor_ram_free(&flash);
}

static void a_full_head_survives_a_reboot(void) {
    open_log();
    write_epochs(1, 0, LOG_SLOTS - 1);
    remount();
    CHECK_EQUAL(count_pending(), LOG_SLOTS - 1);
    write_epochs(1, LOG_SLOTS - 1, 1);
    CHECK_EQUAL(count_pending(), LOG_SLOTS);
    nor_ram_free(&flash);
}

static void the_newest_epoch_is_found_across_sectors(void) {
    log_record newest;
    open_log();
    CHECK(!flash_log_newest_epoch(&log_, &newest));
    write_epochs(1, 0, LOG_SLOTS - 1);
    flash_log_note_reported(&log_, 0);
    CHECK(flash_log_newest_epoch(&log_, &newest));
    CHECK_EQUAL(newest.index, LOG_SLOTS - 2);
    nor_ram_free(&flash);
}

static void wear_is_even_and_low(void) {
    open_log();
    for (int round = 0; round < 20; round++) {
        write_epochs(1, 0, 630);
    }
    uint32_t least = UINT32_MAX, most = 0;
    for (int sector = 1; sector <= SECTORS; sector++) {
        least = flash.erases[sector] < least ? flash.erases[sector] : least;
        most = flash.erases[sector] > most ? flash.erases[sector] : most;
    }
    CHECK(most - least <= 1);
    CHECK_EQUAL(flash.erases[0], 0);
    CHECK_EQUAL(flash.page_faults, 0);
    nor_ram_free(&flash);
}

static bool erases_its_header_alone(void *context, uint32_t address) {
    (void)context;
    memset(flash.cells + address, 0xFF, address == bad_address ? LOG_SLOT_BYTES : NOR_SECTOR_BYTES);
    return true;
}

static void an_erase_is_read_back_to_the_last_slot(void) {
    open_log();
    bad_address = (1 + 1) * NOR_SECTOR_BYTES;
    memset(flash.cells + bad_address, 0, NOR_SECTOR_BYTES);
    flash.nor.erase = erases_its_header_alone;
    write_epochs(1, 0, 100);
    CHECK_EQUAL(log_.failed_sectors, 1);
    CHECK_EQUAL(log_.head_sector, 2);
    CHECK_EQUAL(count_pending(), 100);
    nor_ram_free(&flash);
}

static void spare_bytes_stay_blank(void) {
    log_record record = {.type = LOG_EPOCH};
    uint8_t slot[LOG_SLOT_BYTES];
    memset(slot, 0x55, sizeof slot);
    log_record_encode(&record, 1, slot);
    open_log();
    const uint8_t *header = flash.cells + (1 + log_.head_sector) * NOR_SECTOR_BYTES;
    for (int i = 46; i < 60; i++) {
        CHECK_EQUAL(slot[i], 0xFF);
        CHECK_EQUAL(header[i], 0xFF);
    }
    nor_ram_free(&flash);
}

static void the_last_recording_is_in_each_header(void) {
    log_record other = {.type = LOG_TIME};
    uint32_t sequence;
    open_log();
    write_epochs(7, 0, LOG_SLOTS - 1);
    flash_log_append(&log_, &other, &sequence);
    remount();
    CHECK_EQUAL(log_.last_recording, 7);
    nor_ram_free(&flash);
}

static bool erases_one_alone(void *context, uint32_t address) {
    return address == bad_address && honest_erase(context, address);
}

static void seven_bad_sectors_in_a_row_are_passed_over(void) {
    nor_ram_init(&flash, 12, 3);
    honest_erase = flash.nor.erase;
    bad_address = 7 * NOR_SECTOR_BYTES; /* here the only good one */
    flash.nor.erase = erases_one_alone;
    CHECK_EQUAL(flash_log_mount(&log_, &flash.nor, 0, 12), LOG_OK);
    CHECK_EQUAL(log_.head_sector, 7);
    bad_address = 8 * NOR_SECTOR_BYTES;
    CHECK_EQUAL(flash_log_mount(&log_, &flash.nor, 0, 12), LOG_OK);
    nor_ram_free(&flash);
    nor_ram_init(&flash, 12, 3);
    flash.nor.erase = erases_one_alone;
    CHECK_EQUAL(flash_log_mount(&log_, &flash.nor, 0, 12), LOG_FAILED); /* eight are too many */
    nor_ram_free(&flash);
}

static void a_walker_in_an_empty_head_is_overtaken_too(void) {
    log_record record;
    uint32_t sequence;
    open_log();
    log_position at = flash_log_begin();
    CHECK(!flash_log_next(&log_, &at, &record, &sequence));
    CHECK_EQUAL(at.slot, 1);
    write_epochs(1, 0, SECTORS * (LOG_SLOTS - 1) + 5);
    CHECK_EQUAL(log_.head_sector, at.sector);
    CHECK(flash_log_next(&log_, &at, &record, &sequence));
    CHECK_EQUAL(record.index, log_.lost);
    nor_ram_free(&flash);
}

void flash_log_suite(void) {
    RUN(an_erase_is_read_back_to_the_last_slot);
    RUN(spare_bytes_stay_blank);
    RUN(the_last_recording_is_in_each_header);
    RUN(seven_bad_sectors_in_a_row_are_passed_over);
    RUN(a_walker_in_an_empty_head_is_overtaken_too);
    RUN(crcs_are_the_standard_ones);
    RUN(a_record_is_read_as_it_was_written);
    RUN(a_record_is_only_valid_at_its_own_place);
    RUN(every_flipped_bit_is_seen);
    RUN(one_slot_is_burnt_after_a_reboot);
    RUN(the_cursor_moves_into_each_new_sector);
    RUN(the_cursor_never_goes_back);
    RUN(what_is_overwritten_unsent_is_counted);
    RUN(acknowledged_epochs_go_without_being_counted);
    RUN(a_walker_that_is_overtaken_begins_anew);
    RUN(generations_are_serial_numbers);
    RUN(a_driver_that_lies_is_not_believed);
    RUN(a_bad_sector_is_passed_over);
    RUN(a_sector_of_torn_records_is_opened_anew);
    RUN(three_bad_slots_in_a_row_end_a_sector);
    RUN(a_full_head_survives_a_reboot);
    RUN(the_newest_epoch_is_found_across_sectors);
    RUN(wear_is_even_and_low);
}
