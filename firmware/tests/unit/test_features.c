#include <math.h>
#include <string.h>

#include "../check.h"
#include "noctis/features.h"
#include "noctis/quantise.h"
#include "suites.h"

static feature_extractor extractor;
static float values[NOC_FEATURES];

static feature_tick asleep(void) {
    return (feature_tick){.in_bed = 1, .sleep_state = 0, .radar_movement = 0,
                          .heart_bpm = FEATURES_UNKNOWN, .breaths_per_min = FEATURES_UNKNOWN,
                          .has_accel = true, .accel = {0, 0, 16384}};
}

static feature_tick blind(void) {
    return (feature_tick){.in_bed = FEATURES_UNKNOWN, .sleep_state = FEATURES_UNKNOWN,
                          .radar_movement = FEATURES_UNKNOWN, .heart_bpm = FEATURES_UNKNOWN,
                          .breaths_per_min = FEATURES_UNKNOWN};
}

static void ticks(const feature_tick *tick, int count) {
    for (int i = 0; i < count; i++) {
        features_tick(&extractor, tick);
    }
}

static void an_epoch_without_sensors_is_all_gaps(void) {
    feature_tick tick = blind();
    features_init(&extractor);
    ticks(&tick, 300);
    features_close(&extractor, 1, false, values);
    for (int i = 0; i < NOC_FEATURES; i++) {
        if (i != F_FLAGS && i != F_AGREE_FLAGS) {
            CHECK(isnan(values[i]));
        }
    }
    CHECK_EQUAL(values[F_FLAGS], FLAG_COMPLETE);
    CHECK_EQUAL(values[F_AGREE_FLAGS], AGREE_FEW_RADAR | AGREE_FEW_HEART);
}

static void rates_have_mean_deviation_and_change(void) {
    feature_tick tick = asleep();
    features_init(&extractor);
    for (int i = 0; i < 300; i++) {
        tick.heart_bpm = i % 60 == 0 ? (int16_t)(58 + i / 60) : FEATURES_UNKNOWN;
        tick.breaths_per_min = i % 100 == 0 ? 14 : FEATURES_UNKNOWN;
        features_tick(&extractor, &tick);
    }
    features_close(&extractor, 1, true, values);
    CHECK(values[F_HR_MEAN] == 60.0f);
    CHECK(fabsf(values[F_HR_STD] - 1.5811388f) < 1e-6f);
    CHECK(isnan(values[F_DHR]));
    CHECK(values[F_RR_MEAN] == 14.0f && isnan(values[F_RR_STD]));
    tick.heart_bpm = 63;
    ticks(&tick, 300);
    features_close(&extractor, 2, true, values);
    CHECK(values[F_DHR] == 3.0f && values[F_HR_STD] == 0.0f);
    CHECK(isnan(values[F_DRR]));
    tick.heart_bpm = 70;
    ticks(&tick, 300);
    features_close(&extractor, 4, true, values);
    CHECK(isnan(values[F_DHR])); /* not adjacent */
}

static void movement_is_what_the_keener_sensor_sees(void) {
    feature_tick tick = asleep();
    features_init(&extractor);
    tick.radar_movement = 81;
    ticks(&tick, 30);
    tick.radar_movement = 80;
    ticks(&tick, 60);
    tick.radar_movement = 15;
    tick.swing = 1400;
    ticks(&tick, 30);
    tick.swing = 245;
    tick.in_bed = 0;
    ticks(&tick, 90);
    tick.swing = 250;
    ticks(&tick, 90);
    features_close(&extractor, 1, false, values);
    CHECK(values[F_LARGE_MOVE_PCT] == 20.0f);
    CHECK(values[F_MINOR_MOVE_PCT] == 50.0f);
    CHECK(values[F_VIB_MOVE_PCT] == 40.0f);
    CHECK(values[F_IN_BED_PCT] == 40.0f);
    CHECK_EQUAL(values[F_AGREE_FLAGS], AGREE_AWAY_MOVING | AGREE_FEW_HEART);
}

static void both_sensors_moving_is_agreement(void) {
    feature_tick tick = asleep();
    features_init(&extractor);
    tick.radar_movement = 50;
    tick.swing = 500;
    tick.heart_bpm = 60;
    ticks(&tick, 300);
    features_close(&extractor, 1, false, values);
    CHECK_EQUAL(values[F_AGREE_FLAGS], AGREE_BOTH_MOVE);
}

static void turn(int16_t x, int16_t z) {
    feature_tick tick = asleep();
    tick.swing = 2000;
    ticks(&tick, 5);
    tick.swing = 0;
    tick.accel[0] = x;
    tick.accel[2] = z;
    ticks(&tick, 25);
}

static void a_turnover_is_a_burst_that_leaves_gravity_elsewhere(void) {
    features_init(&extractor);
    turn(0, 16384);
    turn(4000, 15800);   /* turned */
    turn(4000, 15800);   /* only shaken */
    turn(5000, 15500);   /* moved by less than 0.08 g */
    turn(-4000, 15800);  /* turned back */
    features_close(&extractor, 1, false, values);
    CHECK(values[F_TURNOVERS_DELTA] == 2.0f);
    turn(0, 16384);
    features_close(&extractor, 2, false, values);
    CHECK(values[F_TURNOVERS_DELTA] == 1.0f);
    feature_tick drift = asleep();
    drift.accel[0] = 9000;
    ticks(&drift, 60);
    features_close(&extractor, 3, false, values);
    CHECK(values[F_TURNOVERS_DELTA] == 0.0f); /* no burst */
}

static void breathe(int seconds, uint8_t swing) {
    for (int i = 0; i < seconds * 10; i++) {
        feature_tick tick = asleep();
        if (i % 10 == 0) {
            tick.has_wave = true;
            for (int k = 0; k < WAVE_SAMPLES; k++) {
                tick.wave[k] = (uint8_t)(128 + (k % 2 ? swing / 2 : -(swing / 2)));
            }
        }
        features_tick(&extractor, &tick);
    }
}

static void a_pause_of_ten_seconds_is_counted_once(void) {
    features_init(&extractor);
    breathe(30, 60);
    features_close(&extractor, 1, false, values);
    CHECK(values[F_APNEA_DELTA] == 0.0f);
    breathe(5, 60);
    breathe(20, 2);
    breathe(5, 60);
    features_close(&extractor, 2, false, values);
    CHECK(values[F_APNEA_DELTA] == 1.0f);
    breathe(5, 60);
    breathe(10, 2);
    breathe(15, 60);
    features_close(&extractor, 3, false, values);
    CHECK(values[F_APNEA_DELTA] == 0.0f); /* nine seconds, as one report is still half a breath */
    features_init(&extractor);
    breathe(30, 8);
    features_close(&extractor, 4, false, values);
    CHECK(values[F_APNEA_DELTA] == 0.0f); /* nobody breathed before */
}

static void a_silent_radar_an_empty_bed_and_movement_are_no_pause(void) {
    features_init(&extractor);
    breathe(30, 60);
    features_close(&extractor, 1, false, values);
    feature_tick tick = asleep();
    ticks(&tick, 300);
    features_close(&extractor, 2, false, values);
    CHECK(values[F_APNEA_DELTA] == 0.0f);
    breathe(25, 60);
    for (int i = 0; i < 300; i++) {
        tick = asleep();
        tick.has_wave = i % 10 == 0;
        memset(tick.wave, 128, sizeof tick.wave);
        tick.in_bed = i < 150 ? 0 : 1;
        tick.radar_movement = i % 90 == 0 ? 100 : 0;
        features_tick(&extractor, &tick);
    }
    features_close(&extractor, 3, false, values);
    CHECK(values[F_APNEA_DELTA] == 0.0f);
}

static void breathing_shows_in_its_band(void) {
    feature_tick tick = asleep();
    features_init(&extractor);
    for (int i = 0; i < 300; i++) {
        tick.accel[1] = (int16_t)lrintf(200 * sinf(6.2831853f * 0.25f * (float)i / 10));
        features_tick(&extractor, &tick);
    }
    features_close(&extractor, 1, false, values);
    CHECK(values[F_VIB_RESP_Q] > 80.0f && values[F_VIB_RESP_Q] <= 100.0f);
    for (int i = 0; i < 300; i++) {
        tick.accel[1] = (int16_t)lrintf(200 * sinf(6.2831853f * 2.0f * (float)i / 10));
        features_tick(&extractor, &tick);
    }
    features_close(&extractor, 2, false, values);
    CHECK(values[F_VIB_RESP_Q] < 1.0f);
    tick = asleep();
    ticks(&tick, 300);
    features_close(&extractor, 3, false, values);
    CHECK(values[F_VIB_RESP_Q] == 0.0f);
    tick.has_accel = false;
    ticks(&tick, 61);
    tick.has_accel = true;
    ticks(&tick, 239);
    features_close(&extractor, 4, false, values);
    CHECK(isnan(values[F_VIB_RESP_Q]));
}

static void flags_say_how_whole_the_epoch_is(void) {
    feature_tick tick = asleep();
    tick.sleep_state = 2;
    features_init(&extractor);
    ticks(&tick, 400); /* more than an epoch holds: the rest is not taken */
    features_close(&extractor, 1, true, values);
    CHECK_EQUAL(values[F_FLAGS],
                FLAG_COMPLETE | FLAG_RADAR | FLAG_ACCEL | FLAG_CLOCK | 2 << FLAG_SLEEP_SHIFT | FLAG_VALID);
    ticks(&tick, 149);
    features_close(&extractor, 2, false, values);
    CHECK_EQUAL(values[F_FLAGS], 2 << FLAG_SLEEP_SHIFT | FLAG_VALID);
    CHECK(isnan(values[F_VIB_RESP_Q]));
}

static void counts_are_clamped_to_the_schema(void) {
    features_init(&extractor);
    extractor.epoch.accel_ticks = extractor.epoch.radar_ticks = 1;
    extractor.epoch.turnovers = 99;
    extractor.epoch.apneas = 99;
    features_close(&extractor, 1, false, values);
    CHECK(values[F_TURNOVERS_DELTA] == 60.0f && values[F_APNEA_DELTA] == 10.0f);
}

static void codes_are_exact_floats_within_half_a_step(void) {
    for (int f = 0; f < NOC_FEATURES; f++) {
        const feature_scale *scale = &feature_scales[f];
        for (int i = 0; i <= 1000; i++) {
            float value = scale->minimum + (scale->maximum - scale->minimum) * (float)i / 1000;
            uint16_t code = quantise(f, value);
            CHECK(code != QUANTISE_GAP);
            CHECK(fabsf(dequantise(f, code) - value) <= 0.5f / (float)scale->steps_per_unit);
            CHECK_EQUAL(quantise(f, dequantise(f, code)), code);
        }
        CHECK(dequantise(f, quantise(f, scale->maximum + 1000)) == scale->maximum);
        CHECK(dequantise(f, quantise(f, scale->minimum - 1000)) == scale->minimum);
        CHECK_EQUAL(quantise(f, NAN), QUANTISE_GAP);
        CHECK(isnan(dequantise(f, QUANTISE_GAP)));
    }
    CHECK_EQUAL(quantise(F_HR_STD, 0.5f / 512), 0); /* halves go to even */
    CHECK_EQUAL(quantise(F_HR_STD, 1.5f / 512), 2);
}

static void the_wire_has_one_spelling_of_a_gap(void) {
    uint16_t codes[NOC_FEATURES] = {QUANTISE_GAP, quantise(1, 60.0f)};
    uint8_t bytes[WIRE_EPOCH_BYTES];
    wire_epoch(codes, bytes);
    CHECK(memcmp(bytes, "\x00\x00\xc0\x7f\x00\x00\x70\x42", 8) == 0);
}

void features_suite(void) {
    RUN(an_epoch_without_sensors_is_all_gaps);
    RUN(rates_have_mean_deviation_and_change);
    RUN(movement_is_what_the_keener_sensor_sees);
    RUN(both_sensors_moving_is_agreement);
    RUN(a_turnover_is_a_burst_that_leaves_gravity_elsewhere);
    RUN(a_pause_of_ten_seconds_is_counted_once);
    RUN(a_silent_radar_an_empty_bed_and_movement_are_no_pause);
    RUN(breathing_shows_in_its_band);
    RUN(flags_say_how_whole_the_epoch_is);
    RUN(counts_are_clamped_to_the_schema);
    RUN(codes_are_exact_floats_within_half_a_step);
    RUN(the_wire_has_one_spelling_of_a_gap);
}
