/* What the radar last said, each value with its age: after five seconds it is missing. */
#ifndef NOCTIS_RADAR_STATE_H
#define NOCTIS_RADAR_STATE_H

#include "noctis/radar_frame.h"

#define RADAR_FRESH_MS 5000
#define RADAR_QUERY_EVERY_MS 100 /* the module answers about ten queries a second */
#define RADAR_MISSING (-1)
#define RADAR_WAVE_SAMPLES 5

typedef enum {
    RADAR_PRESENCE,
    RADAR_MOTION,
    RADAR_MOVEMENT, /* 0-100 */
    RADAR_DISTANCE, /* cm */
    RADAR_BREATH_STATE,
    RADAR_BREATH_RATE,
    RADAR_HEART_RATE,
    RADAR_IN_BED,    /* 0 out, 1 in */
    RADAR_SLEEP,     /* 0 deep, 1 light, 2 awake, 3 none */
    RADAR_COMPOSITE, /* the module's own ten-minute average of heart rate: never differenced */
    RADAR_VALUES,
} radar_value_name;

typedef struct {
    int16_t value[RADAR_VALUES];
    uint64_t heard_ms[RADAR_VALUES];
    uint8_t wave[RADAR_WAVE_SAMPLES];
    uint64_t wave_ms;
    bool has_wave;
    /* Readings since they were last taken: a rate counts once each time it is reported. */
    int16_t new_heart, new_breath;
    bool is_new_wave;
    uint8_t next_query;
    uint64_t queried_ms;
} radar_state;

void radar_state_init(radar_state *state);
void radar_state_take(radar_state *state, const radar_frame *frame, uint64_t now_ms);
/* RADAR_MISSING where it was never heard, is too old, or was no reading. */
int16_t radar_state_value(const radar_state *state, radar_value_name name, uint64_t now_ms);
/* The next query of the round, when one is due; never waits for its answer. */
bool radar_state_query(radar_state *state, uint64_t now_ms, uint8_t bytes[RADAR_QUERY_BYTES]);

#endif
