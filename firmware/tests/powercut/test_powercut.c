/* The log against a model, with the power cut at every flash operation and in random chains.
 * Usage: test_powercut [reboots] [seed]. */
#include <string.h>

#include "../check.h"
#include "nor_ram.h"
#include "noctis/bytes.h"
#include "noctis/flash_log.h"

TEST_MAIN

#define SECTORS 6
#ifndef REBOOTS
#define REBOOTS 2000
#endif
#define MOST_EPOCHS 40000u
#define MOST_BATCH 120
#define BY_HAND 90 /* epochs of one exhaustive run: two sectors and their openings */

typedef enum { UNKNOWN, MAYBE, DURABLE } written;
typedef enum { NOT_SENT, ON_SERVER, ON_SERVER_AND_KNOWN } sent;

/* What the world outside knows: which epochs the log took, which the server has. */
typedef struct {
    nor_ram flash;
    flash_log log;
    uint32_t sectors;
    uint32_t next;                /* epoch to be written next */
    uint8_t is_written[MOST_EPOCHS];
    uint8_t is_on_server[MOST_EPOCHS];
    uint32_t acknowledged;        /* sequence that the log promised to remember */
    uint32_t seen_epoch[MOST_EPOCHS * 2]; /* sequence % size -> epoch + 1, for reuse */
    uint32_t promised_until;      /* epochs below were acknowledged durably */
    uint64_t reboots;
    bool is_offline; /* this world has no network: the ring overtakes everything */
} world;

static world w;

static log_record epoch_record(uint32_t epoch) {
    log_record record = {.type = LOG_EPOCH,
                         .index = (uint16_t)(epoch % NOC_MAX_EPOCHS),
                         .recording = 1 + epoch / NOC_MAX_EPOCHS,
                         .at_ms = 1700000000000 + (int64_t)epoch * NOC_EPOCH_MS};
    for (int i = 0; i < NOC_FEATURES; i++) {
        put_le16(record.payload + 2 * i, (uint16_t)(epoch * 31 + (uint32_t)i * 7));
    }
    return record;
}

static uint32_t epoch_of(const log_record *record) {
    return (record->recording - 1) * NOC_MAX_EPOCHS + record->index;
}

static bool is_intact(const log_record *record) {
    log_record wanted = epoch_record(epoch_of(record));
    return record->at_ms == wanted.at_ms &&
           memcmp(record->payload, wanted.payload, LOG_PAYLOAD_BYTES) == 0;
}

static void write_epoch(void) {
    uint32_t sequence, epoch = w.next++;
    log_record record = epoch_record(epoch);
    if (flash_log_append(&w.log, &record, &sequence) == LOG_OK) {
        w.is_written[epoch] = DURABLE;
    } else {
        w.is_written[epoch] = MAYBE;
    }
}

/* An upload of up to `most` epochs: the server has them before the cursor is written. */
static void upload(uint32_t most) {
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence, last = 0, count = 0, last_epoch = 0, batch[MOST_BATCH];
    while (count < most && count < MOST_BATCH && flash_log_next_pending(&w.log, &at, &record, &sequence)) {
        CHECK(is_intact(&record));
        last_epoch = epoch_of(&record);
        w.is_on_server[last_epoch] = ON_SERVER;
        batch[count] = last_epoch;
        last = sequence;
        count++;
    }
    if (count > 0 && flash_log_acknowledge(&w.log, last) == LOG_OK) {
        w.promised_until = last_epoch + 1;
        for (uint32_t i = 0; i < count; i++) {
            w.is_on_server[batch[i]] = ON_SERVER_AND_KNOWN;
        }
    }
}

/* Every durable epoch is still there, intact and in order, is on the server, or was counted. */
static void check_log(void) {
    static uint8_t is_present[MOST_EPOCHS];
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence, previous = 0, previous_epoch = 0;
    bool is_first = true;
    memset(is_present, 0, w.next);
    while (flash_log_next(&w.log, &at, &record, &sequence)) {
        CHECK(is_first || serial_after(sequence, previous));
        previous = sequence;
        if (record.type != LOG_EPOCH) {
            continue;
        }
        uint32_t epoch = epoch_of(&record);
        CHECK(epoch < w.next && is_intact(&record));
        if (epoch >= w.next) {
            return;
        }
        uint32_t *seen = &w.seen_epoch[sequence % (MOST_EPOCHS * 2)];
        CHECK(*seen == 0 || *seen == epoch + 1);
        *seen = epoch + 1;
        CHECK(is_first || epoch >= previous_epoch);
        is_present[epoch] = 1;
        previous_epoch = epoch;
        is_first = false;
        CHECK(!(epoch < w.promised_until && serial_after(sequence, w.log.cursor)));
    }
    uint32_t missing = 0, perhaps = 0;
    for (uint32_t epoch = 0; epoch < w.next; epoch++) {
        if (!is_present[epoch] && !w.is_on_server[epoch]) {
            missing += w.is_written[epoch] == DURABLE;
            perhaps += w.is_written[epoch] == MAYBE;
        }
        /* An epoch that the server has while its cursor was torn may be counted when it goes. */
        perhaps += !is_present[epoch] && w.is_on_server[epoch] == ON_SERVER;
    }
    CHECK(w.log.lost >= missing && w.log.lost <= missing + perhaps);
}

static void start_world(uint32_t sectors, uint64_t seed) {
    memset(&w, 0, sizeof w);
    w.sectors = sectors;
    nor_ram_init(&w.flash, sectors, seed);
    CHECK(flash_log_mount(&w.log, &w.flash.nor, 0, sectors) == LOG_OK);
}

static void end_world(void) {
    CHECK_EQUAL(w.flash.page_faults, 0);
    nor_ram_free(&w.flash);
}

/* Boot until a mount survives; each try may itself be cut. */
static void reboot(uint32_t cuts_in_mount) {
    for (;;) {
        nor_ram_power_on(&w.flash);
        w.reboots++;
        if (cuts_in_mount > 0) {
            cuts_in_mount--;
            w.flash.cut_at = w.flash.operations + nor_ram_random(&w.flash) % 3;
        }
        log_status status = flash_log_mount(&w.log, &w.flash.nor, 0, w.sectors);
        if (!w.flash.is_off) {
            w.flash.cut_at = UINT64_MAX;
            CHECK_EQUAL(status, LOG_OK);
            return;
        }
    }
}

/* The same life each time; `cut_at` says at which operation of it the power goes. */
static bool live_until_cut(uint64_t cut_at, tear_mode tear) {
    start_world(4, cut_at * TEAR_MODES + tear + 1);
    w.flash.tear = tear;
    w.flash.cut_at = cut_at;
    for (int i = 0; i < BY_HAND * 3 && !w.flash.is_off; i++) {
        write_epoch();
        if (i % 40 == 39 && i < BY_HAND) {
            upload(30);
        }
    }
    return w.flash.is_off;
}

static void no_cut_loses_anything_at_any_operation(void) {
    uint32_t cuts = 0;
    for (int tear = 0; tear < TEAR_MODES; tear++) {
        for (uint64_t cut = 2; live_until_cut(cut, (tear_mode)tear); cut++) {
            cuts++;
            for (int boots = 0; boots < 3; boots++) {
                reboot(0);
                check_log();
                write_epoch();
                write_epoch();
                check_log();
            }
            end_world();
        }
        end_world();
    }
    printf("exhaustive: %u cuts (operation x tear mode)\n", cuts);
}

static void random_life(uint32_t lives) {
    for (uint32_t life = 0; life < lives; life++) {
        w.flash.tear = (tear_mode)(nor_ram_random(&w.flash) % TEAR_MODES);
        w.flash.silent_per_65536 = nor_ram_random(&w.flash) % 4 == 0 ? 2000 : 0;
        w.flash.cut_at = w.flash.operations + nor_ram_random(&w.flash) % 40;
        bool is_online = !w.is_offline && nor_ram_random(&w.flash) % 3 != 0;
        while (!w.flash.is_off && w.next < MOST_EPOCHS - 10) {
            write_epoch();
            if (is_online && nor_ram_random(&w.flash) % 4 == 0) {
                upload(1 + nor_ram_random(&w.flash) % 12);
            }
        }
        w.flash.silent_per_65536 = 0;
        reboot(nor_ram_random(&w.flash) % 4);
    }
}

static void chains_of_reboots(uint64_t wanted, uint64_t seed) {
    uint64_t reboots = 0, epochs = 0, lost = 0;
    while (reboots < wanted) {
        start_world(SECTORS + (uint32_t)(seed % 3), seed);
        w.is_offline = seed % 4 == 3;
        while (w.next < MOST_EPOCHS - 300 && reboots + w.reboots < wanted && !checks_failed) {
            random_life(1);
            check_log();
        }
        reboots += w.reboots;
        epochs += w.next;
        lost += w.log.lost;
        end_world();
        seed++;
        if (checks_failed) {
            printf("seed %llu\n", (unsigned long long)(seed - 1));
            return;
        }
    }
    printf("chains: %llu reboots, %llu epochs, %llu overwritten and counted\n",
           (unsigned long long)reboots, (unsigned long long)epochs, (unsigned long long)lost);
}

int main(int argc, char **argv) {
    uint64_t reboots = argc > 1 ? strtoull(argv[1], NULL, 10) : REBOOTS;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    RUN(no_cut_loses_anything_at_any_operation);
    chains_of_reboots(reboots, seed);
    return TEST_RESULT();
}
