/* Features as 16-bit codes for flash and as float32 for the wire. Steps are powers of two, so a
 * code is exactly one float and a gap is one bit pattern. */
#ifndef NOCTIS_QUANTISE_H
#define NOCTIS_QUANTISE_H

#include <stdint.h>

#include "noctis/units.h"

#define QUANTISE_GAP 0xFFFF
#define WIRE_GAP 0x7FC00000u /* the one spelling of NaN that the server stores */
#define WIRE_EPOCH_BYTES (4 * NOC_FEATURES)

typedef struct {
    float minimum, maximum; /* the server's range, inclusive */
    uint16_t steps_per_unit;
    uint16_t zero; /* the code of 0 */
} feature_scale;

extern const feature_scale feature_scales[NOC_FEATURES];

/* To the nearest step, halves to even, clamped to the range; NaN is the gap. */
uint16_t quantise(int feature, float value);
float dequantise(int feature, uint16_t code);
/* Little-endian float32, as the server hashes and stores them. */
void wire_epoch(const uint16_t codes[NOC_FEATURES], uint8_t bytes[WIRE_EPOCH_BYTES]);

#endif
