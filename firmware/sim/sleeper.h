/* A person in a bed: stages in cycles, and what a radar and an accelerometer would see of them. */
#ifndef NOCTIS_SLEEPER_H
#define NOCTIS_SLEEPER_H

#include "board.h"

typedef enum { STAGE_WAKE, STAGE_LIGHT, STAGE_DEEP, STAGE_REM, STAGES } sleep_stage;
extern const char stage_letters[STAGES + 1];

typedef struct {
    uint64_t random;
    uint64_t lie_down_ms, get_up_ms; /* of this night, in the night's own time */
    uint64_t stage_until_ms, absent_until_ms, moving_until_ms, paused_until_ms;
    sleep_stage stage;
    double resting_bpm, breath_per_min, breath_phase;
    int16_t gravity[3];
    uint64_t wave_ms;
} sleeper;

/* `hours` in bed, beginning a few minutes into the night. */
void sleeper_start(sleeper *sleeper, uint64_t seed, double hours);
/* The signals at a moment of the night. Times must not go back. */
void sleeper_signal(sleeper *sleeper, uint64_t night_ms, board_signals *signals);

#endif
