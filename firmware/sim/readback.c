#include "readback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_BEFORE 3 /* index, start, schema version */

typedef struct {
    int64_t started_ms;
    uint16_t index;
    uint8_t wire[WIRE_EPOCH_BYTES];
    bool is_seen;
} durable_epoch;

typedef struct {
    durable_epoch *items;
    size_t count;
} durable_log;

static int by_place(const void *a, const void *b) {
    const durable_epoch *left = a, *right = b;
    if (left->started_ms != right->started_ms) {
        return left->started_ms < right->started_ms ? -1 : 1;
    }
    return (left->index > right->index) - (left->index < right->index);
}

/* An append that was cut and then found whole may stand twice in the log: the same epoch once. */
static durable_log read_log(const flash_log *log) {
    durable_log found = {malloc(sizeof(durable_epoch) * log->sectors * LOG_SLOTS), 0};
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence;
    while (flash_log_next(log, &at, &record, &sequence)) {
        if (record.type != LOG_EPOCH) {
            continue;
        }
        durable_epoch *epoch = &found.items[found.count++];
        uint16_t codes[NOC_FEATURES];
        for (int i = 0; i < NOC_FEATURES; i++) {
            codes[i] = (uint16_t)(record.payload[2 * i] | record.payload[2 * i + 1] << 8);
        }
        epoch->started_ms = record.at_ms - (int64_t)record.index * NOC_EPOCH_MS;
        epoch->index = record.index;
        epoch->is_seen = false;
        wire_epoch(codes, epoch->wire);
    }
    qsort(found.items, found.count, sizeof *found.items, by_place);
    size_t kept = 0;
    for (size_t i = 0; i < found.count; i++) {
        if (kept == 0 || by_place(&found.items[kept - 1], &found.items[i]) != 0) {
            found.items[kept++] = found.items[i];
        }
    }
    found.count = kept;
    return found;
}

static http_result ask(sim_device *device, const char *path, const char *accept) {
    http_result result =
        http_call(&device->plan->server, path, device->reader_token, accept, NULL, 0);
    if (result.status != 200) {
        fprintf(stderr, "%s: %d %.300s\n", path, result.status, result.body ? result.body : "");
    }
    return result;
}

static bool read_row(char *row, durable_epoch *epoch) {
    char *cell = row;
    epoch->index = (uint16_t)atoi(cell);
    for (int column = 0; column < COLUMNS_BEFORE + NOC_FEATURES; column++) {
        size_t length = strcspn(cell, ",\r\n");
        if (column >= COLUMNS_BEFORE) {
            uint32_t bits = WIRE_GAP;
            float value = strtof(cell, NULL);
            if (length > 0) {
                memcpy(&bits, &value, sizeof bits);
            }
            memcpy(epoch->wire + 4 * (column - COLUMNS_BEFORE), &bits, sizeof bits);
        }
        cell += length;
        if (*cell != ',') {
            return column == COLUMNS_BEFORE + NOC_FEATURES - 1;
        }
        cell++;
    }
    return false;
}

static void compare_row(durable_log *log, const durable_epoch *stored, comparison *sums) {
    durable_epoch *own = bsearch(stored, log->items, log->count, sizeof *own, by_place);
    sums->on_server++;
    if (own == NULL) {
        sums->strange++;
    } else {
        sums->twice += own->is_seen;
        sums->different += memcmp(own->wire, stored->wire, sizeof own->wire) != 0;
        own->is_seen = true;
    }
}

static bool compare_recording(sim_device *device, durable_log *log,
                              const stored_recording *recording, comparison *sums) {
    char path[128];
    snprintf(path, sizeof path, "/v1/recordings/%s/epochs", recording->id);
    http_result result = ask(device, path, "text/csv");
    bool is_read = result.status == 200;
    char *row = is_read ? strchr(result.body, '\n') : NULL;
    int previous = -1;
    while (row != NULL && row[1] != 0) {
        durable_epoch stored = {.started_ms = recording->started_ms};
        is_read = is_read && read_row(row + 1, &stored);
        sums->out_of_order += stored.index <= previous;
        previous = stored.index;
        compare_row(log, &stored, sums);
        row = strchr(row + 1, '\n');
    }
    free(result.body);
    return is_read;
}

/* The night's true stages, a letter an epoch, as ground truth. */
static bool send_labels(sim_device *device, const durable_log *log,
                        const stored_recording *recording) {
    char path[128], *body = malloc(NOC_MAX_EPOCHS + 128);
    int length = sprintf(body, "{\"scorer\":\"noctis-sim\",\"source\":\"psg\",\"labels\":\"");
    int first = length, last = -1;
    for (size_t i = 0; i < log->count; i++) {
        if (log->items[i].started_ms == recording->started_ms) {
            last = log->items[i].index;
        }
    }
    for (int i = 0; i <= last; i++) {
        int64_t place = (recording->started_ms - device->first_ms) / NOC_EPOCH_MS + i;
        body[first + i] = (size_t)place < device->stage_count ? device->stages[place] : '?';
    }
    length += last + 1;
    length += sprintf(body + length, "\"}");
    snprintf(path, sizeof path, "/v1/recordings/%s/labels", recording->id);
    http_result result = http_call(&device->plan->server, path, device->reader_token, NULL, body,
                                   (size_t)length);
    bool is_taken = last < 0 || result.status == 201 || result.status == 200;
    if (!is_taken) {
        fprintf(stderr, "labels: %d %.300s\n", result.status, result.body ? result.body : "");
    }
    free(result.body);
    free(body);
    return is_taken;
}

bool readback_compare(sim_device *device, comparison *sums) {
    durable_log log = read_log(&device->app.log);
    bool is_read = identity_token(device->plan->reader, device->reader_token);
    for (uint32_t i = 0; i < device->recording_count; i++) {
        const stored_recording *recording = &device->recordings[i];
        is_read = compare_recording(device, &log, recording, sums) && is_read;
        is_read = (!device->plan->sends_labels || send_labels(device, &log, recording)) && is_read;
    }
    sums->recordings += device->recording_count;
    sums->on_device += (uint32_t)log.count;
    for (size_t i = 0; i < log.count; i++) {
        sums->missing += !log.items[i].is_seen;
    }
    free(log.items);
    return is_read;
}
