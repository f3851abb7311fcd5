/* Thousands of devices come back after an hour's outage, in virtual time: the platform must not see
 * more than three times its usual rate. Usage: test_storm [devices]. */
#include <string.h>

#include "../check.h"
#include "noctis/uploader.h"

TEST_MAIN

#define SECTORS 7
#define HOUR_S 3600
#define OUTAGE_FROM_S (2 * HOUR_S)
#define OUTAGE_TO_S (3 * HOUR_S)
#define END_S (5 * HOUR_S)
#define WINDOW_S 10
#define MOST_RATIO 3.0
#define ID "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d"

/* Flash without faults and without masks: ten thousand of them have to fit. */
typedef struct {
    uint8_t cells[SECTORS * NOR_SECTOR_BYTES];
    nor_flash nor;
    flash_log log;
    uploader up;
    uint32_t random;
    uint16_t next;
} box;

static bool read(void *context, uint32_t address, void *bytes, size_t length) {
    memcpy(bytes, ((box *)context)->cells + address, length);
    return true;
}

static bool program(void *context, uint32_t address, const void *bytes, size_t length) {
    memcpy(((box *)context)->cells + address, bytes, length);
    return true;
}

static bool erase(void *context, uint32_t address) {
    memset(((box *)context)->cells + address, 0xFF, NOR_SECTOR_BYTES);
    return true;
}

static uint32_t draw(box *it) {
    it->random ^= it->random << 13;
    it->random ^= it->random >> 17;
    it->random ^= it->random << 5;
    return it->random;
}

static void start(box *it, uint32_t number) {
    memset(it->cells, 0xFF, sizeof it->cells);
    it->random = number * 2654435761u + 1;
    for (int i = 0; i < 8; i++) {
        draw(it);
    }
    it->nor = (nor_flash){it, read, program, erase};
    CHECK(flash_log_mount(&it->log, &it->nor, 0, SECTORS) == LOG_OK);
    uploader_init(&it->up, &it->log, "NB", "", draw(it));
}

static void sleep_on(box *it) {
    log_record record = {LOG_EPOCH, it->next, 1, 1763676000000 + it->next * (int64_t)NOC_EPOCH_MS, {0}};
    uint32_t sequence;
    it->next++;
    flash_log_append(&it->log, &record, &sequence);
}

static void answer(box *it, bool is_up, uint64_t now_ms) {
    static char text[300];
    const upload_batch *batch = &it->up.batch;
    upload_answer got = {0, 0, text, 0};
    if (is_up && it->up.sent == UPLOAD_START) {
        got.status = 201;
        got.length = (size_t)snprintf(text, sizeof text, "{\"id\":\"" ID "\"}");
    } else if (is_up) {
        got.status = 200;
        got.length = (size_t)snprintf(
            text, sizeof text,
            "{\"recording_id\":\"" ID "\",\"first_index\":%d,\"last_index\":%d,\"checksum\":\"%08x\"}",
            batch->first_index, batch->first_index + batch->count - 1, (unsigned)batch->crc);
    }
    uploader_answered(&it->up, &got, now_ms, draw(it));
}

static uint32_t most_in(const uint32_t *requests, int from_s, int to_s) {
    uint32_t most = 0;
    for (int at = from_s; at + WINDOW_S <= to_s; at++) {
        uint32_t sum = 0;
        for (int i = 0; i < WINDOW_S; i++) {
            sum += requests[at + i];
        }
        most = sum > most ? sum : most;
    }
    return most;
}

int main(int argc, char **argv) {
    static uint32_t requests[END_S];
    uint32_t devices = argc > 1 ? (uint32_t)atoi(argv[1]) : 500, lost = 0, pending = 0;
    box *boxes = calloc(devices, sizeof *boxes);
    for (uint32_t i = 0; i < devices; i++) {
        start(&boxes[i], i + 1);
    }
    for (uint32_t now = 1; now < END_S; now++) {
        bool is_up = now < OUTAGE_FROM_S || now >= OUTAGE_TO_S;
        for (uint32_t i = 0; i < devices; i++) {
            upload_request request;
            if ((now + i) % 30 == 0) {
                sleep_on(&boxes[i]);
            }
            if (uploader_next(&boxes[i].up, (uint64_t)now * 1000, true, &request)) {
                requests[now]++;
                answer(&boxes[i], is_up, (uint64_t)now * 1000);
            }
        }
    }
    uint64_t steady = 0;
    for (int at = HOUR_S; at < OUTAGE_FROM_S; at++) {
        steady += requests[at];
    }
    double usual = (double)steady / HOUR_S;
    double peak = (double)most_in(requests, OUTAGE_TO_S, END_S) / WINDOW_S;
    for (uint32_t i = 0; i < devices; i++) {
        lost += boxes[i].log.lost;
        pending += boxes[i].up.counts.uploaded + 25u < boxes[i].next;
    }
    printf("storm: %u devices, %.1f requests/s usual, %.1f at the peak after the outage (%.2f times)\n",
           (unsigned)devices, usual, peak, peak / usual);
    CHECK(peak <= MOST_RATIO * usual);
    CHECK_EQUAL(lost, 0);
    CHECK_EQUAL(pending, 0);
    tests_run = 1;
    free(boxes);
    return TEST_RESULT();
}
