/* Any status and body from a server or a proxy: nothing is acknowledged without an exact echo, and
 * nothing is left out but by the documented refusals. */
#include <stdlib.h>
#include <string.h>

#include "noctis/uploader.h"
#include "nor_ram.h"

#define EPOCHS 5
#define ID "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d"

static const int statuses[] = {0, 200, 201, 204, 302, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    nor_ram flash;
    flash_log log;
    uploader up;
    upload_request request;
    uint32_t sequence;
    if (length < 1) {
        return 0;
    }
    nor_ram_init(&flash, 4, 1);
    flash_log_mount(&log, &flash.nor, 0, 4);
    for (uint16_t i = 0; i < EPOCHS; i++) {
        log_record record = {LOG_EPOCH, i, 1, 1763676000000 + i * NOC_EPOCH_MS, {0}};
        flash_log_append(&log, &record, &sequence);
    }
    uploader_init(&up, &log, "NB-1", "", 0);
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
    if (answer.status != 200 && answer.status != 201 && answer.status != 204 && up.counts.uploaded > 0) {
        abort();
    }
    uploader_next(&up, UINT64_MAX / 2, true, &request);
    free(body);
    nor_ram_free(&flash);
    return 0;
}
