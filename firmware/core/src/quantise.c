#include "noctis/quantise.h"

#include <math.h>
#include <string.h>

#include "noctis/bytes.h"

#define SIGNED 32768 /* the code of 0 where values may be negative */

const feature_scale feature_scales[NOC_FEATURES] = {
    {0, 100, 512, 0},         /* in_bed_pct */
    {20, 250, 256, 0},        /* hr_mean */
    {0, 120, 512, 0},         /* hr_std */
    {-230, 230, 128, SIGNED}, /* dhr */
    {2, 60, 1024, 0},         /* rr_mean */
    {0, 40, 1024, 0},         /* rr_std */
    {-58, 58, 512, SIGNED},   /* drr */
    {0, 100, 512, 0},         /* large_move_pct */
    {0, 100, 512, 0},         /* minor_move_pct */
    {0, 60, 1, 0},            /* turnovers_delta */
    {0, 10, 1, 0},            /* apnea_delta */
    {0, 127, 1, 0},           /* flags: bits, never scaled */
    {0, 100, 512, 0},         /* vib_move_pct */
    {0, 100, 512, 0},         /* vib_resp_q */
    {0, 15, 1, 0},            /* agree_flags: bits, never scaled */
};

uint16_t quantise(int feature, float value) {
    const feature_scale *scale = &feature_scales[feature];
    if (isnan(value)) {
        return QUANTISE_GAP;
    }
    value = value < scale->minimum ? scale->minimum : value;
    value = value > scale->maximum ? scale->maximum : value;
    return (uint16_t)(rintf(value * (float)scale->steps_per_unit) + (float)scale->zero);
}

float dequantise(int feature, uint16_t code) {
    const feature_scale *scale = &feature_scales[feature];
    if (code == QUANTISE_GAP) {
        return NAN;
    }
    return (float)((int32_t)code - scale->zero) / (float)scale->steps_per_unit;
}

void wire_epoch(const uint16_t codes[NOC_FEATURES], uint8_t bytes[WIRE_EPOCH_BYTES]) {
    for (int i = 0; i < NOC_FEATURES; i++) {
        uint32_t bits = WIRE_GAP;
        if (codes[i] != QUANTISE_GAP) {
            float value = dequantise(i, codes[i]);
            memcpy(&bits, &value, sizeof bits);
        }
        put_le32(bytes + 4 * i, bits);
    }
}
