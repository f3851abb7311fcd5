#include "sleeper.h"

#include <math.h>
#include <string.h>

#define MINUTE_MS 60000.0
#define CYCLE_MS (92 * MINUTE_MS) /* of light, deep, light and REM sleep */
#define TURN 6.283185307179586

const char stage_letters[STAGES + 1] = "WL3R";

static double uniform(sleeper *sleeper) {
    sleeper->random = sleeper->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(sleeper->random >> 11) / 9007199254740992.0;
}

static double between(sleeper *sleeper, double low, double high) {
    return low + (high - low) * uniform(sleeper);
}

static void lie_anew(sleeper *sleeper) {
    double angle = between(sleeper, -0.6, 0.6);
    sleeper->gravity[0] = (int16_t)(IMU_LSB_PER_G * sin(angle));
    sleeper->gravity[2] = (int16_t)(IMU_LSB_PER_G * cos(angle));
}

void sleeper_start(sleeper *sleeper, uint64_t seed, double hours) {
    memset(sleeper, 0, sizeof *sleeper);
    sleeper->random = seed * 0x9E3779B97F4A7C15u + 7;
    sleeper->lie_down_ms = (uint64_t)between(sleeper, 2 * MINUTE_MS, 8 * MINUTE_MS);
    sleeper->get_up_ms = sleeper->lie_down_ms + (uint64_t)(hours * 60 * MINUTE_MS);
    sleeper->resting_bpm = between(sleeper, 50, 68);
    sleeper->breath_per_min = between(sleeper, 11, 17);
    lie_anew(sleeper);
}

/* Deep sleep belongs to the night's first half, REM grows towards its end. */
static sleep_stage next_stage(sleeper *sleeper, double asleep_ms, double night_share) {
    double place = fmod(asleep_ms, CYCLE_MS) / CYCLE_MS;
    if (asleep_ms < 0 || uniform(sleeper) < 0.04 + 0.05 * night_share) {
        return STAGE_WAKE;
    }
    if (place > 0.2 && place < 0.55 && uniform(sleeper) < 1.1 - 1.2 * night_share) {
        return STAGE_DEEP;
    }
    return place > 0.72 && uniform(sleeper) < 0.35 + 0.7 * night_share ? STAGE_REM : STAGE_LIGHT;
}

static void choose_stage(sleeper *sleeper, uint64_t now) {
    double asleep = (double)now - (double)sleeper->lie_down_ms - 14 * MINUTE_MS;
    double share = (double)(now - sleeper->lie_down_ms) /
                   (double)(sleeper->get_up_ms - sleeper->lie_down_ms);
    sleeper->stage = next_stage(sleeper, asleep, share);
    double longest = sleeper->stage == STAGE_WAKE ? 4 : 12;
    sleeper->stage_until_ms = now + (uint64_t)between(sleeper, MINUTE_MS, longest * MINUTE_MS);
}

/* Events a second: whether this tenth brings one. */
static bool happens(sleeper *sleeper, double an_hour) {
    return uniform(sleeper) < an_hour / 36000.0;
}

static void choose_events(sleeper *sleeper, uint64_t now) {
    static const double moves_an_hour[STAGES] = {90, 14, 2, 8};
    if (happens(sleeper, moves_an_hour[sleeper->stage])) {
        sleeper->moving_until_ms = now + (uint64_t)between(sleeper, 500, 6000);
        if (uniform(sleeper) < 0.3) {
            lie_anew(sleeper);
        }
    }
    if (sleeper->stage != STAGE_WAKE && happens(sleeper, 3)) {
        sleeper->paused_until_ms = now + (uint64_t)between(sleeper, 11000, 25000);
    }
    if (sleeper->stage == STAGE_WAKE && happens(sleeper, 1)) {
        sleeper->absent_until_ms = now + (uint64_t)between(sleeper, 3 * MINUTE_MS, 9 * MINUTE_MS);
    }
}

static void breathe(sleeper *sleeper, uint64_t now, board_signals *signals) {
    double rate = sleeper->breath_per_min + (sleeper->stage == STAGE_REM ? 2 : 0);
    double swing = now < sleeper->paused_until_ms ? 1 : 40;
    for (int i = 0; i < RADAR_WAVE_SAMPLES; i++) {
        double phase = sleeper->breath_phase + TURN * rate / 60 * 0.2 * i;
        signals->wave[i] = (uint8_t)lround(128 + swing * sin(phase) + between(sleeper, -1, 1));
    }
    sleeper->breath_phase = fmod(sleeper->breath_phase + TURN * rate / 600, TURN);
    signals->accel[1] = (int16_t)lround(swing * 2 * sin(sleeper->breath_phase));
    signals->breaths_per_min = (uint8_t)lround(rate + between(sleeper, -1.2, 1.2));
}

void sleeper_signal(sleeper *sleeper, uint64_t now, board_signals *signals) {
    static const double faster_bpm[STAGES] = {9, 2, -2, 6}, varies_bpm[STAGES] = {5, 2, 1, 4};
    static const uint8_t radar_says[STAGES] = {2, 1, 0, 1};
    bool is_there = now >= sleeper->lie_down_ms && now < sleeper->get_up_ms &&
                    now >= sleeper->absent_until_ms;
    memset(signals, 0, sizeof *signals);
    signals->accel[2] = IMU_LSB_PER_G;
    signals->sleep_state = 3;
    memset(signals->wave, 128, sizeof signals->wave);
    if (!is_there) {
        sleeper->stage = STAGE_WAKE;
        return;
    }
    if (now >= sleeper->stage_until_ms) {
        choose_stage(sleeper, now);
    }
    choose_events(sleeper, now);
    breathe(sleeper, now, signals);
    double varies = varies_bpm[sleeper->stage];
    bool is_moving = now < sleeper->moving_until_ms;
    signals->is_present = signals->is_in_bed = true;
    signals->sleep_state = radar_says[sleeper->stage];
    signals->heart_bpm = (uint8_t)lround(sleeper->resting_bpm + faster_bpm[sleeper->stage] +
                                         between(sleeper, -varies, varies));
    signals->accel[0] = sleeper->gravity[0];
    signals->accel[2] = sleeper->gravity[2];
    signals->movement = (uint8_t)(is_moving ? between(sleeper, 20, 100) : between(sleeper, 0, 12));
    signals->shake = (int16_t)(is_moving ? between(sleeper, 150, 1200) : between(sleeper, 0, 40));
}
