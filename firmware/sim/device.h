/* One simulated device: the core on a board in memory, a sleeper before it, a network that fails. */
#ifndef NOCTIS_SIM_DEVICE_H
#define NOCTIS_SIM_DEVICE_H

#include "board.h"
#include "http.h"
#include "identity.h"
#include "sleeper.h"

#define MOST_NIGHTS 64
#define MOST_RECORDINGS 400

typedef struct {
    http_server server;
    double cut_chance;   /* of a power cut in an epoch */
    double fault_chance; /* of something wrong with a request */
    double hours;
    uint32_t nights;
    bool sends_labels;
    const identity *reader; /* a device's own key may write and not read */
} plan;

typedef struct {
    char id[37];
    int64_t started_ms;
} stored_recording;

typedef struct {
    uint32_t requests, faults, cuts, refused;
} tally;

typedef struct {
    const plan *plan;
    const identity *who;
    board board;
    app app;
    sleeper sleeper;
    uint64_t random;
    int64_t night_began_ms; /* wall */
    uint32_t log_sectors;
    char token[TOKEN_BYTES], reader_token[TOKEN_BYTES];
    time_t token_made;
    stored_recording recordings[MOST_RECORDINGS]; /* that the platform opened for it */
    uint32_t recording_count;
    tally tally;
    /* True stages on wall time, a letter for each 30 s since the first evening. */
    char *stages;
    size_t stage_count;
    int64_t first_ms;
} sim_device;

void device_start(sim_device *device, const plan *plan, const identity *who, uint64_t seed,
                  int64_t first_evening_ms);
void device_live(sim_device *device);
/* Online without faults until nothing is pending; false: something would not go. */
bool device_drain(sim_device *device);
void device_free(sim_device *device);

#endif
