#include "noctis/sampler.h"

#include <string.h>

#define UART_CHUNK 64
#define IMU_RETRY_MS 30000u
#define IMU_MOST_BYTES (2 * IMU_BURST_SAMPLES * IMU_SAMPLE_BYTES)
#define IMU_FIFO_BYTES 1024 /* of the chip; once it has overflown its samples are out of step */
/* A night begins after a minute in bed and ends after an hour out of it. */
#define BED_TICKS 600
#define EMPTY_EPOCHS 120
#define RADAR_SILENT_MS 30000u

void sampler_init(sampler *sampler, const device_port *port, uint64_t now_ms) {
    memset(sampler, 0, sizeof *sampler);
    sampler->port = port;
    sampler->next_tick_ms = now_ms + NOC_TICK_MS;
    sampler->radar_heard_ms = now_ms;
    radar_state_init(&sampler->radar);
    features_init(&sampler->extractor);
    ring_init(&sampler->closed, sampler->items, sizeof sampler->items[0], SAMPLER_RING);
}

static bool imu_write(const device_port *port, uint8_t address, uint8_t value) {
    const uint8_t bytes[2] = {address, value};
    return port->i2c(port->context, IMU_ADDRESS, bytes, sizeof bytes, NULL, 0);
}

static bool imu_read(const device_port *port, uint8_t address, uint8_t *bytes, size_t length) {
    return port->i2c(port->context, IMU_ADDRESS, &address, 1, bytes, length);
}

/* A sensor that does not answer leaves gaps and is asked again; it never stops the box. */
static void find_imu(sampler *sampler, uint64_t now_ms) {
    uint8_t identity;
    if (now_ms < sampler->imu_retry_ms) {
        return;
    }
    sampler->imu_retry_ms = now_ms + IMU_RETRY_MS;
    if (!imu_read(sampler->port, IMU_WHO_AM_I, &identity, 1) || identity != IMU_IDENTITY) {
        return;
    }
    for (int i = 0; i < IMU_SETTINGS; i++) {
        if (!imu_write(sampler->port, imu_setup[i].address, imu_setup[i].value)) {
            return;
        }
    }
    sampler->has_imu = true;
}

static void read_imu(sampler *sampler) {
    const device_port *port = sampler->port;
    uint8_t count[2], burst[IMU_MOST_BYTES];
    if (!imu_read(port, IMU_FIFO_COUNT, count, sizeof count)) {
        sampler->has_imu = false;
        return;
    }
    size_t waiting = (size_t)count[0] << 8 | count[1];
    if (waiting >= IMU_FIFO_BYTES) {
        sampler->has_imu = imu_write(port, imu_setup[IMU_SETTINGS - 1].address,
                                     imu_setup[IMU_SETTINGS - 1].value);
        return;
    }
    waiting = waiting < sizeof burst ? waiting / IMU_SAMPLE_BYTES * IMU_SAMPLE_BYTES : sizeof burst;
    if (waiting == 0) {
        return;
    }
    if (!imu_read(port, IMU_FIFO_DATA, burst, waiting)) {
        sampler->has_imu = false;
        return;
    }
    for (size_t at = 0; at < waiting; at += IMU_SAMPLE_BYTES) {
        imu_sample sample = imu_decode(burst + at);
        imu_window_add(&sampler->window, &sample);
    }
}

static void read_radar(sampler *sampler, uint64_t now_ms) {
    const device_port *port = sampler->port;
    uint8_t bytes[UART_CHUNK];
    radar_frame frame;
    size_t count;
    do {
        count = port->uart_read(port->context, bytes, sizeof bytes);
        for (size_t i = 0; i < count; i++) {
            radar_parser_push(&sampler->parser, bytes[i]);
            while (radar_parser_take(&sampler->parser, &frame)) {
                radar_state_take(&sampler->radar, &frame, now_ms);
                sampler->radar_heard_ms = now_ms;
            }
        }
    } while (count == sizeof bytes);
    uint8_t query[RADAR_QUERY_BYTES];
    if (radar_state_query(&sampler->radar, now_ms, query)) {
        port->uart_write(port->context, query, sizeof query);
    }
}

static feature_tick take_tick(sampler *sampler, uint64_t now_ms) {
    radar_state *radar = &sampler->radar;
    int16_t bed = radar_state_value(radar, RADAR_IN_BED, now_ms);
    int16_t presence = radar_state_value(radar, RADAR_PRESENCE, now_ms);
    imu_sample mean = {{0, 0, 0}};
    feature_tick tick = {
        .in_bed = (int8_t)(bed != RADAR_MISSING ? bed : presence),
        .sleep_state = (int8_t)radar_state_value(radar, RADAR_SLEEP, now_ms),
        .radar_movement = radar_state_value(radar, RADAR_MOVEMENT, now_ms),
        .heart_bpm = radar->new_heart,
        .breaths_per_min = radar->new_breath,
        .has_wave = radar->is_new_wave,
    };
    tick.has_accel = imu_window_close(&sampler->window, &mean, &tick.swing);
    memcpy(tick.wave, radar->wave, sizeof tick.wave);
    memcpy(tick.accel, mean.axis, sizeof tick.accel);
    radar->new_heart = radar->new_breath = RADAR_MISSING;
    radar->is_new_wave = false;
    return tick;
}

static int64_t epoch_start(const sampler *sampler) {
    return sampler->night_started_ms + (int64_t)sampler->next_index * NOC_EPOCH_MS;
}

static void start_night(sampler *sampler, int64_t started_ms, uint32_t next_index) {
    sampler->is_recording = true;
    sampler->is_collecting = false;
    sampler->night++;
    sampler->serial++; /* no epoch of another night is adjacent */
    sampler->night_started_ms = started_ms;
    sampler->next_index = next_index;
    sampler->empty_epochs = 0;
}

void sampler_resume(sampler *sampler, int64_t started_ms, uint64_t now_ms) {
    int64_t since = (int64_t)now_ms - started_ms;
    start_night(sampler, started_ms, (uint32_t)(since / NOC_EPOCH_MS) + 1);
}

static void close_epoch(sampler *sampler) {
    float values[NOC_FEATURES];
    closed_epoch epoch = {sampler->night, (uint16_t)sampler->next_index, sampler->night_started_ms, {0}};
    features_close(&sampler->extractor, sampler->serial++, sampler->is_clock_trusted, values);
    for (int i = 0; i < NOC_FEATURES; i++) {
        epoch.codes[i] = quantise(i, values[i]);
    }
    ring_put(&sampler->closed, &epoch);
    bool is_empty = epoch.codes[F_IN_BED_PCT] == 0;
    sampler->empty_epochs = is_empty ? sampler->empty_epochs + 1 : 0;
    sampler->next_index++;
    if (sampler->empty_epochs >= EMPTY_EPOCHS || sampler->next_index >= NOC_MAX_EPOCHS) {
        sampler->is_recording = false;
        sampler->in_bed_ticks = 0;
    }
}

static void watch_bed(sampler *sampler, const feature_tick *tick, uint64_t now_ms) {
    sampler->in_bed_ticks = tick->in_bed == 1 ? sampler->in_bed_ticks + 1 : 0;
    if (sampler->in_bed_ticks >= BED_TICKS) {
        start_night(sampler, (int64_t)now_ms, 0);
    }
}

/* The grid decides where an epoch begins and ends, not the number of ticks in it. */
static void collect(sampler *sampler, const feature_tick *tick, uint64_t now_ms) {
    if (sampler->is_collecting && (int64_t)now_ms >= epoch_start(sampler) + NOC_EPOCH_MS) {
        close_epoch(sampler);
        sampler->is_collecting = false;
    }
    if (!sampler->is_recording) {
        watch_bed(sampler, tick, now_ms);
    }
    if (!sampler->is_recording || (int64_t)now_ms < epoch_start(sampler)) {
        return;
    }
    if (!sampler->is_collecting) {
        sampler->is_collecting = true;
        memset(&sampler->extractor.epoch, 0, sizeof sampler->extractor.epoch);
        sampler->extractor.epoch.sleep_state = FEATURES_UNKNOWN;
    }
    features_tick(&sampler->extractor, tick);
}

void sampler_step(sampler *sampler, uint64_t now_ms) {
    read_radar(sampler, now_ms);
    if (now_ms < sampler->next_tick_ms) {
        return;
    }
    uint64_t late = (now_ms - sampler->next_tick_ms) / NOC_TICK_MS;
    sampler->missed_ticks += (uint32_t)late;
    sampler->next_tick_ms += (late + 1) * NOC_TICK_MS;
    sampler->ticks++;
    if (sampler->has_imu) {
        read_imu(sampler);
    } else {
        find_imu(sampler, now_ms);
    }
    feature_tick tick = take_tick(sampler, now_ms);
    collect(sampler, &tick, now_ms);
}

bool sampler_has_sensor_fault(const sampler *sampler, uint64_t now_ms) {
    return !sampler->has_imu || now_ms - sampler->radar_heard_ms > RADAR_SILENT_MS;
}
