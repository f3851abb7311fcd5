/* Holds the core to tests/contract, which pytest holds the server and a twin in Python to.
 * `golden FOLDER` compares; `golden random DEVICES EPOCHS SEED` writes features as float32. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "../check.h"
#include "board.h"
#include "noctis/base64.h"
#include "noctis/quantise.h"
#include "random_ticks.h"
#include "raw_sensors.h"

TEST_MAIN

#define LINE_BYTES 16384

static char line[LINE_BYTES];
static const char *folder;

typedef void take_line(void);

static void each_line(const char *name, take_line *take) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    int lines = 0;
    CHECK(file != NULL);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] != '#' && line[0] != 0) {
            lines++;
            take();
        }
    }
    CHECK(lines > 0);
    if (file != NULL) {
        fclose(file);
    }
}

static size_t from_hex(const char *text, uint8_t *bytes) {
    size_t count = 0;
    unsigned value;
    while (isxdigit((unsigned char)text[2 * count]) && sscanf(text + 2 * count, "%2x", &value) == 1) {
        bytes[count++] = (uint8_t)value;
    }
    return count;
}

static feature_extractor extractor;

static void take_ticks(void) {
    feature_tick tick = {0};
    char wave[16], accel[64];
    int count, bed, sleep, movement, heart, breath, x, y, z, swing;
    CHECK_EQUAL(sscanf(line, "tick %d %d %d %d %d %d %15s %63s", &count, &bed, &sleep, &movement,
                       &heart, &breath, wave, accel), 8);
    tick.in_bed = (int8_t)bed;
    tick.sleep_state = (int8_t)sleep;
    tick.radar_movement = (int16_t)movement;
    tick.heart_bpm = (int16_t)heart;
    tick.breaths_per_min = (int16_t)breath;
    tick.has_wave = from_hex(wave, tick.wave) == WAVE_SAMPLES;
    tick.has_accel = sscanf(accel, "%d,%d,%d,%d", &x, &y, &z, &swing) == 4;
    if (tick.has_accel) {
        tick.accel[0] = (int16_t)x;
        tick.accel[1] = (int16_t)y;
        tick.accel[2] = (int16_t)z;
        tick.swing = (uint16_t)swing;
    }
    for (int i = 0; i < count; i++) {
        features_tick(&extractor, &tick);
    }
}

static bool is_same(float got, uint32_t bits) {
    float wanted;
    memcpy(&wanted, &bits, sizeof wanted);
    return (isnan(got) && isnan(wanted)) || got == wanted;
}

static void take_epoch(void) {
    unsigned number, is_trusted, bits;
    int at = 0, step;
    float values[NOC_FEATURES];
    CHECK_EQUAL(sscanf(line, "epoch %u %u%n", &number, &is_trusted, &at), 2);
    features_close(&extractor, number, is_trusted, values);
    for (int i = 0; i < NOC_FEATURES; i++, at += step) {
        CHECK_EQUAL(sscanf(line + at, " %8x%n", &bits, &step), 1);
        CHECK(is_same(values[i], bits));
        CHECK(quantise(i, values[i]) == QUANTISE_GAP ? isnan(values[i]) : !isnan(values[i]));
    }
}

static void take_feature_line(void) {
    if (strncmp(line, "script", 6) == 0) {
        features_init(&extractor);
    } else if (strncmp(line, "tick", 4) == 0) {
        take_ticks();
    } else {
        take_epoch();
    }
}

static raw_board wires;

/* `window COUNT UART FIFO`, in hex, `-` for no byte; `codes` and the 15 of the next closed epoch. */
static void take_raw_line(void) {
    static char uart_hex[2 * RAW_MOST_BYTES + 1], fifo_hex[2 * RAW_MOST_BYTES + 1];
    uint8_t uart[RAW_MOST_BYTES], fifo[RAW_MOST_BYTES];
    closed_epoch epoch;
    unsigned count, code;
    int at = (int)strlen("codes"), step;
    if (strncmp(line, "script", 6) == 0) {
        raw_start(&wires);
    } else if (sscanf(line, "window %u %512s %512s", &count, uart_hex, fifo_hex) == 3) {
        size_t uart_count = from_hex(uart_hex, uart), fifo_count = from_hex(fifo_hex, fifo);
        for (unsigned i = 0; i < count; i++) {
            raw_window(&wires, uart, uart_count, fifo, fifo_count);
        }
    } else {
        CHECK(ring_get(&wires.sampler.closed, &epoch));
        for (int i = 0; i < NOC_FEATURES; i++, at += step) {
            CHECK_EQUAL(sscanf(line + at, " %4x%n", &code, &step), 1);
            CHECK_EQUAL(epoch.codes[i], code);
        }
    }
}

static void raw_sensors_become_the_twins_codes(void) { each_line("raw.txt", take_raw_line); }

static void features_are_the_twins(void) { each_line("features.txt", take_feature_line); }

/* A stream, and each frame in it as control, command and data. */
static void take_stream(void) {
    static uint8_t stream[LINE_BYTES / 2];
    uint8_t wanted[2 + RADAR_MOST_DATA];
    radar_parser parser = {0};
    radar_frame frame;
    size_t length = from_hex(line, stream);
    const char *next = strchr(line, ' ');
    for (size_t i = 0; i < length; i++) {
        radar_parser_push(&parser, stream[i]);
        while (radar_parser_take(&parser, &frame)) {
            CHECK(next != NULL);
            if (next == NULL) {
                return;
            }
            CHECK_EQUAL(from_hex(next + 1, wanted), 2u + frame.length);
            CHECK(frame.control == wanted[0] && frame.command == wanted[1]);
            CHECK(memcmp(frame.data, wanted + 2, frame.length) == 0);
            next = strchr(next + 1, ' ');
        }
    }
    CHECK(next == NULL);
}

static void frames_are_found_in_noise(void) { each_line("radar.txt", take_stream); }

static void take_record(void) {
    log_record record, back;
    unsigned sequence, type, index, recording;
    long long at_ms;
    char payload[80], slot[160];
    uint8_t wanted[LOG_SLOT_BYTES], got[LOG_SLOT_BYTES];
    CHECK_EQUAL(sscanf(line, "%u %u %u %u %lld %79s %159s", &sequence, &type, &index, &recording,
                       &at_ms, payload, slot), 7);
    record = (log_record){(uint8_t)type, (uint16_t)index, recording, at_ms, {0}};
    CHECK_EQUAL(from_hex(payload, record.payload), LOG_PAYLOAD_BYTES);
    CHECK_EQUAL(from_hex(slot, wanted), LOG_SLOT_BYTES);
    log_record_encode(&record, sequence, got);
    CHECK(memcmp(got, wanted, sizeof got) == 0);
    CHECK(log_record_decode(&back, sequence, wanted));
}

static void records_are_laid_out_as_documented(void) { each_line("records.txt", take_record); }

static void take_payload(void) {
    char codes_hex[80], text[100], got[100] = {0};
    uint8_t raw[2 * NOC_FEATURES], wire[WIRE_EPOCH_BYTES];
    uint16_t codes[NOC_FEATURES];
    CHECK_EQUAL(sscanf(line, "%79s %99s", codes_hex, text), 2);
    CHECK_EQUAL(from_hex(codes_hex, raw), sizeof raw);
    for (int i = 0; i < NOC_FEATURES; i++) {
        codes[i] = (uint16_t)(raw[2 * i] | raw[2 * i + 1] << 8);
    }
    wire_epoch(codes, wire);
    base64_encode(wire, sizeof wire, got);
    CHECK(strcmp(got, text) == 0);
}

static void payloads_are_what_the_server_reads(void) { each_line("payloads.txt", take_payload); }

static nor_ram flash;
static flash_log store;
static uploader up;

/* `NIGHT_MS ZONE RECORDING FIRST COUNT CRC`, then the start's body and the batch's, a line each. */
static void take_body(void) {
    static long long started_ms;
    static char zone[40], id[40];
    static unsigned first, count, crc;
    static int part;
    static char body[LINE_BYTES];
    upload_request request;
    if (part == 0) {
        CHECK_EQUAL(sscanf(line, "%lld %39s %39s %u %u %x", &started_ms, zone, id, &first, &count,
                           &crc), 6);
        nor_ram_init(&flash, 6, 1);
        flash_log_mount(&store, &flash.nor, 0, 6);
        uploader_init(&up, &store, "NB-0007", zone, 0);
        for (unsigned i = first; i < first + count; i++) {
            log_record record = {LOG_EPOCH, (uint16_t)i, 1, started_ms + (int64_t)i * NOC_EPOCH_MS, {0}};
            uint32_t sequence;
            for (unsigned k = 0; k < LOG_PAYLOAD_BYTES; k++) {
                record.payload[k] = (uint8_t)(i * 37 + k * 11);
            }
            flash_log_append(&store, &record, &sequence);
        }
    } else {
        CHECK(uploader_next(&up, (uint64_t)part, true, &request));
        CHECK_EQUAL(request.length, strlen(line));
        size_t length = uploader_body(&up, 0, body, sizeof body);
        CHECK(length == strlen(line) && memcmp(body, line, length) == 0);
        snprintf(body, sizeof body, "{\"id\":\"%s\"}", id);
        upload_answer answer = {201, 0, body, strlen(body)};
        uploader_answered(&up, &answer, (uint64_t)part, 0);
    }
    part = (part + 1) % 3;
    if (part == 0) {
        CHECK_EQUAL(up.batch.crc, crc);
        nor_ram_free(&flash);
    }
}

static void bodies_are_what_the_server_reads(void) { each_line("bodies.txt", take_body); }

static void write_random(uint32_t devices, uint32_t epochs, uint32_t seed) {
    for (uint32_t device = 0; device < devices; device++) {
        tick_source source = {seed + device, 0};
        features_init(&extractor);
        for (uint32_t epoch = 0; epoch < epochs; epoch++) {
            float values[NOC_FEATURES];
            for (int i = 0; i < NOC_EPOCH_TICKS; i++) {
                feature_tick tick = draw_tick(&source);
                features_tick(&extractor, &tick);
            }
            features_close(&extractor, epoch, epoch % 2, values);
            fwrite(values, sizeof values, 1, stdout);
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 5) {
        write_random((uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]));
        return 0;
    }
    folder = argc > 1 ? argv[1] : "tests/contract";
    RUN(features_are_the_twins);
    RUN(raw_sensors_become_the_twins_codes);
    RUN(frames_are_found_in_noise);
    RUN(records_are_laid_out_as_documented);
    RUN(payloads_are_what_the_server_reads);
    RUN(bodies_are_what_the_server_reads);
    return TEST_RESULT();
}
