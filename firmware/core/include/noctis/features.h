/* From 300 windows of 100 ms to one vector of 15 features, as docs/FEATURES.md defines them.
 * Integers until the last step, so that C and the Python twin agree to the bit. */
#ifndef NOCTIS_FEATURES_H
#define NOCTIS_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "noctis/units.h"

#define FEATURES_UNKNOWN (-1)
#define WAVE_SAMPLES 5
#define BAND_FIRST 3 /* bins of 1/30 Hz: 0.1 Hz, six breaths a minute */
#define BAND_LAST 15 /* 0.5 Hz */
#define BAND_BINS (BAND_LAST - BAND_FIRST + 1)
#define AXES 3

enum {
    F_IN_BED_PCT, F_HR_MEAN, F_HR_STD, F_DHR, F_RR_MEAN, F_RR_STD, F_DRR, F_LARGE_MOVE_PCT,
    F_MINOR_MOVE_PCT, F_TURNOVERS_DELTA, F_APNEA_DELTA, F_FLAGS, F_VIB_MOVE_PCT, F_VIB_RESP_Q,
    F_AGREE_FLAGS,
};
enum { FLAG_COMPLETE = 1, FLAG_RADAR = 2, FLAG_ACCEL = 4, FLAG_CLOCK = 8, FLAG_SLEEP_SHIFT = 4,
       FLAG_VALID = 64 };
enum { AGREE_BOTH_MOVE = 1, AGREE_AWAY_MOVING = 2, AGREE_FEW_RADAR = 4, AGREE_FEW_HEART = 8 };

/* One 100 ms window as the sampler saw it; FEATURES_UNKNOWN where nothing fresh was known. */
typedef struct {
    int8_t in_bed;           /* 0, 1 */
    int8_t sleep_state;      /* 0-3 */
    int16_t radar_movement;  /* 0-100 */
    int16_t heart_bpm;       /* only in the window in which it was reported */
    int16_t breaths_per_min; /* likewise */
    bool has_wave, has_accel;
    uint8_t wave[WAVE_SAMPLES]; /* around 128 */
    int16_t accel[AXES];        /* mean, LSB */
    uint16_t swing;             /* the largest peak-to-peak of an axis, LSB */
} feature_tick;

typedef struct {
    uint32_t count, sum, squares;
} rate_sums;

/* What one epoch gathers; forgotten at its end. */
typedef struct {
    uint32_t ticks, bed_known, bed_in, radar_ticks, accel_ticks;
    uint32_t move_known, large, minor, vib_moving, both_moving, away_moving;
    rate_sums heart, breath;
    int8_t sleep_state;
    uint32_t turnovers, apneas;
    int16_t held[AXES], origin[AXES];
    bool has_origin;
    int64_t sum[AXES], squares[AXES];
    int64_t cosine[AXES][BAND_BINS], sine[AXES][BAND_BINS];
} epoch_sums;

/* What lasts from one epoch to the next. */
typedef struct {
    int32_t block[AXES], rest[AXES];
    uint8_t block_ticks;
    bool has_rest, is_disturbed;
} turnover_detector;

typedef struct {
    uint8_t low, high; /* of the report before */
    bool has_report;
    uint32_t silent_ticks, paused_ticks;
    int32_t amplitude16; /* usual peak-to-peak, times 16 */
    bool is_paused;
} pause_detector;

typedef struct {
    float mean;
    uint32_t epoch;
    bool is_known;
} previous_mean;

typedef struct {
    epoch_sums epoch;
    turnover_detector turnover;
    pause_detector pause;
    previous_mean heart, breath;
} feature_extractor;

void features_init(feature_extractor *extractor);
void features_tick(feature_extractor *extractor, const feature_tick *tick);
/* End epoch number `epoch`, counted without regard to recordings; starts the next one. */
void features_close(feature_extractor *extractor, uint32_t epoch, bool is_clock_trusted,
                    float values[NOC_FEATURES]);

#endif
