/* The sampling task: drains the radar, reads the accelerometer, closes an epoch every 30 seconds.
 * Never waits; what it has goes into a ring that the storage task empties. */
#ifndef NOCTIS_SAMPLER_H
#define NOCTIS_SAMPLER_H

#include "noctis/features.h"
#include "noctis/imu.h"
#include "noctis/port.h"
#include "noctis/quantise.h"
#include "noctis/radar_state.h"
#include "noctis/ring.h"

#define SAMPLER_RING 8 /* four minutes of a storage task that does not answer */

/* An epoch on its way to the log. `night` counts nights since boot. */
typedef struct {
    uint32_t night;
    uint16_t index;
    int64_t night_started_ms; /* monotonic; a night that began before this boot is negative */
    uint16_t codes[NOC_FEATURES];
} closed_epoch;

typedef struct {
    const device_port *port;
    radar_parser parser;
    radar_state radar;
    imu_window window;
    feature_extractor extractor;
    ring closed;
    closed_epoch items[SAMPLER_RING];
    uint64_t next_tick_ms, imu_retry_ms, radar_heard_ms;
    bool has_imu, is_clock_trusted;
    uint32_t missed_ticks, ticks;
    /* The night, if one is on. */
    bool is_recording, is_collecting;
    uint32_t night, serial;
    int64_t night_started_ms;
    uint32_t next_index;
    uint32_t in_bed_ticks, empty_epochs;
} sampler;

void sampler_init(sampler *sampler, const device_port *port, uint64_t now_ms);
/* Go on with a night that began `started_ms` (monotonic, so negative), at the next whole epoch. */
void sampler_resume(sampler *sampler, int64_t started_ms, uint64_t now_ms);
/* Every 10 ms. */
void sampler_step(sampler *sampler, uint64_t now_ms);
bool sampler_has_sensor_fault(const sampler *sampler, uint64_t now_ms);

#endif
