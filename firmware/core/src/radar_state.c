#include "noctis/radar_state.h"

#include <string.h>

#include "noctis/bytes.h"

#define HEART_LOW_BPM 30
#define HEART_HIGH_BPM 220
#define BREATH_LOW_PER_MIN 4
#define BREATH_HIGH_PER_MIN 40
#define QUERY_BIT 0x80
#define COMPOSITE_HEART 3 /* of its bytes: presence, sleep state, breathing, heart, … */

typedef struct {
    uint8_t control, command, at, width;
    int16_t lowest, highest; /* whatever is outside is no reading: 0 and 255 mean "none" */
    radar_value_name name;
} report;

static const report reports[] = {
    {0x80, 0x01, 0, 1, 0, 1, RADAR_PRESENCE},
    {0x80, 0x02, 0, 1, 0, 2, RADAR_MOTION},
    {0x80, 0x03, 0, 1, 0, 100, RADAR_MOVEMENT},
    {0x80, 0x04, 0, 2, 0, 1000, RADAR_DISTANCE},
    {0x81, 0x01, 0, 1, 1, 4, RADAR_BREATH_STATE},
    {0x81, 0x02, 0, 1, BREATH_LOW_PER_MIN, BREATH_HIGH_PER_MIN, RADAR_BREATH_RATE},
    {0x85, 0x02, 0, 1, HEART_LOW_BPM, HEART_HIGH_BPM, RADAR_HEART_RATE},
    {0x84, 0x01, 0, 1, 0, 1, RADAR_IN_BED},
    {0x84, 0x02, 0, 1, 0, 3, RADAR_SLEEP},
    {0x84, 0x0C, COMPOSITE_HEART, 1, HEART_LOW_BPM, HEART_HIGH_BPM, RADAR_COMPOSITE},
};
#define REPORTS (sizeof reports / sizeof reports[0])

/* The round of queries: rates and the breathing waveform come often, the rest once a round. The
 * composite's query is 8D, not its report's 0C with the top bit. */
static const uint8_t queries[][2] = {
    {0x81, 0x05}, {0x80, 0x03}, {0x85, 0x02}, {0x81, 0x02}, {0x84, 0x01}, {0x80, 0x01},
    {0x81, 0x05}, {0x80, 0x03}, {0x84, 0x02}, {0x84, 0x0D},
};
#define QUERIES (sizeof queries / sizeof queries[0])

void radar_state_init(radar_state *state) {
    memset(state, 0, sizeof *state);
    for (int i = 0; i < RADAR_VALUES; i++) {
        state->value[i] = RADAR_MISSING;
    }
    state->new_heart = state->new_breath = RADAR_MISSING;
}

static int16_t read_value(const report *row, const radar_frame *frame) {
    if (frame->length < row->at + row->width) {
        return RADAR_MISSING;
    }
    const uint8_t *at = frame->data + row->at;
    int32_t value = row->width == 2 ? get_be16(at) : at[0];
    return value < row->lowest || value > row->highest ? RADAR_MISSING : (int16_t)value;
}

static void take_wave(radar_state *state, const radar_frame *frame, uint64_t now_ms) {
    if (frame->length >= RADAR_WAVE_SAMPLES) {
        memcpy(state->wave, frame->data, RADAR_WAVE_SAMPLES);
        state->wave_ms = now_ms;
        state->has_wave = state->is_new_wave = true;
    }
}

void radar_state_take(radar_state *state, const radar_frame *frame, uint64_t now_ms) {
    /* Reports come of themselves and as answers, which repeat the query's top bit; the
     * composite's answer is the one exception. */
    uint8_t command = frame->command & (uint8_t)~QUERY_BIT;
    command = frame->control == 0x84 && command == 0x0D ? 0x0C : command;
    if (frame->control == 0x81 && command == 0x05) {
        take_wave(state, frame, now_ms);
        return;
    }
    for (size_t i = 0; i < REPORTS; i++) {
        const report *row = &reports[i];
        if (row->control == frame->control && row->command == command) {
            int16_t value = read_value(row, frame);
            state->value[row->name] = value;
            state->heard_ms[row->name] = now_ms;
            if (row->name == RADAR_HEART_RATE) {
                state->new_heart = value;
            } else if (row->name == RADAR_BREATH_RATE) {
                state->new_breath = value;
            }
        }
    }
}

int16_t radar_state_value(const radar_state *state, radar_value_name name, uint64_t now_ms) {
    return now_ms - state->heard_ms[name] > RADAR_FRESH_MS ? RADAR_MISSING : state->value[name];
}

bool radar_state_query(radar_state *state, uint64_t now_ms, uint8_t bytes[RADAR_QUERY_BYTES]) {
    if (now_ms - state->queried_ms < RADAR_QUERY_EVERY_MS) {
        return false;
    }
    state->queried_ms = now_ms;
    radar_query(queries[state->next_query][0], queries[state->next_query][1], bytes);
    state->next_query = (uint8_t)((state->next_query + 1) % QUERIES);
    return true;
}
