/* The numbers that every module shares. Units are in the names. */
#ifndef NOCTIS_UNITS_H
#define NOCTIS_UNITS_H

#define NOC_FEATURES 15
#define NOC_EPOCH_MS 30000
#define NOC_TICK_MS 100 /* the 10 Hz window over which movement is judged */
#define NOC_EPOCH_TICKS (NOC_EPOCH_MS / NOC_TICK_MS)
#define NOC_SAMPLE_MS 10
/* A night has at most a day of epochs: the server's limit, and then a new recording starts. */
#define NOC_MAX_EPOCHS 2880
#define NOC_SCHEMA "noctis_v1"

#endif
