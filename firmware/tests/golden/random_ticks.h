/* Sensor windows drawn from a seed, the same in C and in tests/contract/random_ticks.py. */
#ifndef NOCTIS_RANDOM_TICKS_H
#define NOCTIS_RANDOM_TICKS_H

#include "noctis/features.h"

typedef struct {
    uint32_t random, regime;
} tick_source;

/* Numerical Recipes' generator; the upper bits are the good ones. */
static inline uint32_t draw(tick_source *source) {
    source->random = source->random * 1664525u + 1013904223u;
    return source->random >> 8;
}

/* Now and then the regime changes: calm, moving, turned, not breathing, sensors gone. */
static inline feature_tick draw_tick(tick_source *source) {
    feature_tick tick;
    uint32_t change = draw(source), choice = draw(source);
    if (change % 64 == 0) {
        source->regime = choice;
    }
    uint32_t regime = source->regime;
    tick.in_bed = (int8_t)(draw(source) % 16 == 0 ? -1 : regime % 8 != 0);
    tick.sleep_state = (int8_t)(draw(source) % 5) - 1;
    bool is_moving = (regime >> 3) % 4 == 0;
    uint32_t movement = draw(source);
    tick.radar_movement = movement % 16 == 0 ? FEATURES_UNKNOWN : (int16_t)(movement % (is_moving ? 101 : 16));
    uint32_t heart = draw(source), breath = draw(source);
    tick.heart_bpm = heart % 8 == 0 ? (int16_t)(30 + heart / 8 % 191) : FEATURES_UNKNOWN;
    tick.breaths_per_min = breath % 8 == 0 ? (int16_t)(4 + breath / 8 % 37) : FEATURES_UNKNOWN;
    tick.has_wave = draw(source) % 8 == 0 && (regime >> 5) % 8 != 0;
    uint32_t swing = (regime >> 8) % 3 == 0 ? 3 : 100;
    for (int i = 0; i < WAVE_SAMPLES; i++) {
        tick.wave[i] = (uint8_t)(128 + draw(source) % swing);
    }
    tick.has_accel = draw(source) % 64 != 0 && (regime >> 10) % 16 != 0;
    uint32_t shake = draw(source);
    tick.swing = (uint16_t)(shake % (is_moving ? 2000 : 300));
    for (int axis = 0; axis < AXES; axis++) {
        int32_t tilt = (int32_t)((regime >> (12 + 3 * axis)) % 8) * 1500;
        tick.accel[axis] = (int16_t)(tilt + (int32_t)(draw(source) % 200) - 100);
    }
    return tick;
}

#endif
