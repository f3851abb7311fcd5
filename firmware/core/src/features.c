#include "noctis/features.h"

#include <math.h>
#include <string.h>

#include "cosine_table.h"
#include "noctis/imu.h"

/* Movement, as a share of full scale 100: above 80 large, above 15 minor. The accelerometer's full
 * scale is 0.1 g of swing in a window; 0.015 g is three times its noise at 44 Hz. */
#define LARGE_SCORE 80
#define MINOR_SCORE 15
#define SWING_FULL_LSB (IMU_LSB_PER_G / 10)
#define FEWEST_FOR_STD 5
#define FEWEST_HEARTS 10
#define FEWEST_RADAR_TICKS (NOC_EPOCH_TICKS / 2)
#define FEWEST_ACCEL_TICKS (NOC_EPOCH_TICKS * 4 / 5)
#define MOST_TURNOVERS 60
#define MOST_APNEAS 10

/* A turnover: a large movement after which gravity, over two calm seconds, points elsewhere by
 * more than 0.08 g (about five degrees). */
#define REST_TICKS 20
#define TURN_LSB (IMU_LSB_PER_G * 8 / 100)

/* A pause: the breathing wave over its last two reports falls below a quarter of its usual swing
 * for ten seconds. A swing below 16 was no breathing to begin with. */
#define PAUSE_TICKS 100
#define WAVE_LOST_TICKS 50
#define FEWEST_SWING 16
#define AMPLITUDE_SHARE 8
#define Q14 16384.0f

typedef enum { STILL, MINOR, LARGE } movement;

static movement judged(int32_t score, int32_t full) {
    return score * 100 > LARGE_SCORE * full   ? LARGE
           : score * 100 > MINOR_SCORE * full ? MINOR
                                              : STILL;
}

void features_init(feature_extractor *extractor) {
    memset(extractor, 0, sizeof *extractor);
    extractor->epoch.sleep_state = FEATURES_UNKNOWN;
}

static void add_rate(rate_sums *sums, int16_t value) {
    if (value != FEATURES_UNKNOWN) {
        sums->count++;
        sums->sum += (uint32_t)value;
        sums->squares += (uint32_t)value * (uint32_t)value;
    }
}

static void add_bed(epoch_sums *epoch, const feature_tick *tick) {
    epoch->bed_known += tick->in_bed != FEATURES_UNKNOWN;
    epoch->bed_in += tick->in_bed == 1;
    if (tick->sleep_state != FEATURES_UNKNOWN) {
        epoch->sleep_state = tick->sleep_state;
    }
}

/* Both sensors see one person: the one that sees more is right. Returns the accelerometer's. */
static movement add_movement(epoch_sums *epoch, const feature_tick *tick) {
    bool has_radar = tick->radar_movement != FEATURES_UNKNOWN;
    movement radar = has_radar ? judged(tick->radar_movement, 100) : STILL;
    movement vib = tick->has_accel ? judged(tick->swing, SWING_FULL_LSB) : STILL;
    movement seen = radar > vib ? radar : vib;
    epoch->radar_ticks += has_radar;
    epoch->move_known += has_radar || tick->has_accel;
    epoch->large += seen == LARGE;
    epoch->minor += seen == MINOR;
    epoch->vib_moving += vib != STILL;
    epoch->both_moving += radar != STILL && vib != STILL;
    epoch->away_moving += tick->in_bed == 0 && seen != STILL;
    return vib;
}

/* The breathing band, bin by bin as samples come: no buffer of the epoch is needed. A window
 * without a sample holds the last one. */
static void add_spectrum(epoch_sums *epoch, const feature_tick *tick) {
    uint32_t n = epoch->ticks;
    if (tick->has_accel) {
        memcpy(epoch->held, tick->accel, sizeof epoch->held);
        epoch->accel_ticks++;
        if (!epoch->has_origin) {
            memcpy(epoch->origin, tick->accel, sizeof epoch->origin);
            epoch->has_origin = true;
        }
    }
    for (int axis = 0; axis < AXES; axis++) {
        int32_t x = epoch->held[axis] - epoch->origin[axis];
        epoch->sum[axis] += x;
        epoch->squares[axis] += (int64_t)x * x;
        for (uint32_t bin = 0; bin < BAND_BINS; bin++) {
            uint32_t turn = (bin + BAND_FIRST) * n % NOC_EPOCH_TICKS;
            /* sin a = cos (a - quarter turn) */
            uint32_t quarter = (turn + NOC_EPOCH_TICKS * 3 / 4) % NOC_EPOCH_TICKS;
            epoch->cosine[axis][bin] += (int64_t)x * cosine_q14[turn];
            epoch->sine[axis][bin] += (int64_t)x * cosine_q14[quarter];
        }
    }
}

static bool is_turned(const turnover_detector *detector) {
    int64_t distance = 0;
    for (int axis = 0; axis < AXES; axis++) {
        int64_t difference = detector->block[axis] - detector->rest[axis];
        distance += difference * difference;
    }
    return distance > (int64_t)(TURN_LSB * REST_TICKS) * (TURN_LSB * REST_TICKS);
}

static void restart_block(turnover_detector *detector) {
    memset(detector->block, 0, sizeof detector->block);
    detector->block_ticks = 0;
}

static bool detect_turnover(turnover_detector *detector, const feature_tick *tick, movement vib) {
    if (!tick->has_accel || vib == LARGE) {
        detector->is_disturbed = detector->is_disturbed || vib == LARGE;
        restart_block(detector);
        return false;
    }
    for (int axis = 0; axis < AXES; axis++) {
        detector->block[axis] += tick->accel[axis];
    }
    if (++detector->block_ticks < REST_TICKS) {
        return false;
    }
    bool is_turnover = detector->is_disturbed && detector->has_rest && is_turned(detector);
    memcpy(detector->rest, detector->block, sizeof detector->rest);
    detector->has_rest = true;
    detector->is_disturbed = false;
    restart_block(detector);
    return is_turnover;
}

static void take_wave(pause_detector *detector, const uint8_t wave[WAVE_SAMPLES]) {
    uint8_t low = wave[0], high = wave[0];
    for (int i = 1; i < WAVE_SAMPLES; i++) {
        low = wave[i] < low ? wave[i] : low;
        high = wave[i] > high ? wave[i] : high;
    }
    int32_t both_low = detector->has_report && detector->low < low ? detector->low : low;
    int32_t both_high = detector->has_report && detector->high > high ? detector->high : high;
    int32_t swing16 = 16 * (both_high - both_low);
    detector->is_paused =
        detector->amplitude16 >= 16 * FEWEST_SWING && 4 * swing16 < detector->amplitude16;
    if (!detector->is_paused) {
        detector->amplitude16 += (swing16 - detector->amplitude16) / AMPLITUDE_SHARE;
    }
    detector->low = low;
    detector->high = high;
    detector->has_report = true;
    detector->silent_ticks = 0;
}

/* True once a pause, when it has lasted. Movement and an empty bed look like pauses: not judged. */
static bool detect_pause(pause_detector *detector, const feature_tick *tick, bool is_moving) {
    if (tick->has_wave) {
        take_wave(detector, tick->wave);
    } else if (++detector->silent_ticks > WAVE_LOST_TICKS) {
        memset(detector, 0, sizeof *detector);
    }
    if (!detector->is_paused || tick->in_bed == 0 || is_moving) {
        detector->paused_ticks = 0;
        return false;
    }
    detector->paused_ticks += detector->paused_ticks <= PAUSE_TICKS;
    return detector->paused_ticks == PAUSE_TICKS;
}

void features_tick(feature_extractor *extractor, const feature_tick *tick) {
    epoch_sums *epoch = &extractor->epoch;
    if (epoch->ticks == NOC_EPOCH_TICKS) {
        return; /* a late close must not bend the spectrum */
    }
    uint32_t large_before = epoch->large;
    add_bed(epoch, tick);
    add_rate(&epoch->heart, tick->heart_bpm);
    add_rate(&epoch->breath, tick->breaths_per_min);
    movement vib = add_movement(epoch, tick);
    add_spectrum(epoch, tick);
    epoch->turnovers += detect_turnover(&extractor->turnover, tick, vib);
    epoch->apneas += detect_pause(&extractor->pause, tick, epoch->large != large_before);
    epoch->ticks++;
}

static float percent(uint32_t part, uint32_t whole) {
    return whole == 0 ? NAN : (float)(100 * part) / (float)whole;
}

/* The variance's numerator stays an integer: no digits are lost where values are nearly equal. */
static float deviation(const rate_sums *sums) {
    if (sums->count < FEWEST_FOR_STD) {
        return NAN;
    }
    uint64_t numerator = (uint64_t)sums->count * sums->squares - (uint64_t)sums->sum * sums->sum;
    return sqrtf((float)numerator / (float)(sums->count * (sums->count - 1)));
}

static void put_rate(const rate_sums *sums, previous_mean *previous, uint32_t epoch, float out[3]) {
    bool is_known = sums->count > 0;
    bool is_adjacent = previous->is_known && previous->epoch + 1 == epoch;
    out[0] = is_known ? (float)sums->sum / (float)sums->count : NAN;
    out[1] = deviation(sums);
    out[2] = is_known && is_adjacent ? out[0] - previous->mean : NAN;
    *previous = (previous_mean){out[0], epoch, is_known};
}

static float breathing_share(const epoch_sums *epoch) {
    if (epoch->ticks < NOC_EPOCH_TICKS || epoch->accel_ticks < FEWEST_ACCEL_TICKS) {
        return NAN;
    }
    int64_t total = 0;
    float band = 0.0f;
    for (int axis = 0; axis < AXES; axis++) {
        total += NOC_EPOCH_TICKS * epoch->squares[axis] - epoch->sum[axis] * epoch->sum[axis];
        for (int bin = 0; bin < BAND_BINS; bin++) {
            float real = (float)epoch->cosine[axis][bin] / Q14;
            float imaginary = (float)epoch->sine[axis][bin] / Q14;
            band += real * real + imaginary * imaginary;
        }
    }
    if (total == 0) {
        return 0.0f;
    }
    float share = 200.0f * band / (float)total; /* a real signal has each bin twice */
    return share > 100.0f ? 100.0f : share;
}

static float flags_of(const epoch_sums *epoch, bool is_clock_trusted) {
    bool has_state = epoch->sleep_state != FEATURES_UNKNOWN;
    uint32_t flags = (epoch->ticks == NOC_EPOCH_TICKS ? FLAG_COMPLETE : 0u) |
                     (epoch->radar_ticks >= FEWEST_RADAR_TICKS ? FLAG_RADAR : 0u) |
                     (epoch->accel_ticks >= FEWEST_ACCEL_TICKS ? FLAG_ACCEL : 0u) |
                     (is_clock_trusted ? FLAG_CLOCK : 0u);
    if (has_state) {
        flags |= (uint32_t)epoch->sleep_state << FLAG_SLEEP_SHIFT | FLAG_VALID;
    }
    return (float)flags;
}

static float agreement_of(const epoch_sums *epoch) {
    return (float)((epoch->both_moving > 0 ? AGREE_BOTH_MOVE : 0u) |
                   (epoch->away_moving > 0 ? AGREE_AWAY_MOVING : 0u) |
                   (epoch->radar_ticks < FEWEST_RADAR_TICKS ? AGREE_FEW_RADAR : 0u) |
                   (epoch->heart.count < FEWEST_HEARTS ? AGREE_FEW_HEART : 0u));
}

static float counted(uint32_t count, uint32_t most) {
    return (float)(count > most ? most : count);
}

void features_close(feature_extractor *extractor, uint32_t epoch, bool is_clock_trusted,
                    float values[NOC_FEATURES]) {
    const epoch_sums *sums = &extractor->epoch;
    values[F_IN_BED_PCT] = percent(sums->bed_in, sums->bed_known);
    put_rate(&sums->heart, &extractor->heart, epoch, values + F_HR_MEAN);
    put_rate(&sums->breath, &extractor->breath, epoch, values + F_RR_MEAN);
    values[F_LARGE_MOVE_PCT] = percent(sums->large, sums->move_known);
    values[F_MINOR_MOVE_PCT] = percent(sums->minor, sums->move_known);
    values[F_TURNOVERS_DELTA] =
        sums->accel_ticks == 0 ? NAN : counted(sums->turnovers, MOST_TURNOVERS);
    values[F_APNEA_DELTA] = sums->radar_ticks == 0 ? NAN : counted(sums->apneas, MOST_APNEAS);
    values[F_FLAGS] = flags_of(sums, is_clock_trusted);
    values[F_VIB_MOVE_PCT] = percent(sums->vib_moving, sums->accel_ticks);
    values[F_VIB_RESP_Q] = breathing_share(sums);
    values[F_AGREE_FLAGS] = agreement_of(sums);
    memset(&extractor->epoch, 0, sizeof extractor->epoch);
    extractor->epoch.sleep_state = FEATURES_UNKNOWN;
}
