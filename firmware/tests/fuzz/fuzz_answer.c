/* Any status and body from a server or a proxy: nothing is acknowledged without an exact echo, and
 * nothing is left out but by the documented refusals. */
#include <stdlib.h>
#include <string.h>

#include "noctis/uploader.h"
#include "nor_ram.h"

#define EPOCHS 5
#define SECTORS 4
#define ID "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d"

static const int statuses[] = {0, 200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503};

static nor_ram flash;
static flash_log log_, fresh_log;
static uploader up;
static uint8_t fresh_cells[SECTORS * NOR_SECTOR_BYTES];

/* A log with five epochs, made once and put back for each input. */
static void start(void) {
    if (fresh_log.nor == NULL) {
        nor_ram_init(&flash, SECTORS, 1);
        flash_log_mount(&fresh_log, &flash.nor, 0, SECTORS);
        for (uint16_t i = 0; i < EPOCHS; i++) {
            log_record record = {LOG_EPOCH, i, 1, 1763676000000 + i * NOC_EPOCH_MS, {0}};
            uint32_t sequence;
            flash_log_append(&fresh_log, &record, &sequence);
        }
        memcpy(fresh_cells, flash.cells, sizeof fresh_cells);
    }
    memcpy(flash.cells, fresh_cells, sizeof fresh_cells);
    log_ = fresh_log;
    uploader_init(&up, &log_, "NB-1", "", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    upload_request request;
    if (length < 1) {
        return 0;
    }
    start();
    uploader_next(&up, 1, true, &request);
    if (bytes[0] & 1) {
        upload_answer started = {201, 0, "{\"id\":\"" ID "\"}", sizeof ID + 8};
        uploader_answered(&up, &started, 1, 0);
        uploader_next(&up, 1, true, &request);
    }
    /* A copy of exactly this size, so that a byte too far is seen. */
    char *body = malloc(length);
    memcpy(body, bytes + 1, length - 1);
    upload_answer answer = {statuses[bytes[0] >> 1 & 15], bytes[0], body, length - 1};
    uploader_answered(&up, &answer, 2, 0);
    bool is_well = answer.status == 200 || answer.status == 201 || answer.status == 204;
    if (!is_well && up.counts.uploaded > 0) {
        abort();
    }
    uploader_next(&up, UINT64_MAX / 2, true, &request);
    free(body);
    return 0;
}
