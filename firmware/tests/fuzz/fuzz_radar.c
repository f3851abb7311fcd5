/* Any bytes on the UART: parser and state hold, and whatever is taken was a frame. */
#include <stdlib.h>

#include "noctis/radar_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static radar_parser parser;
    static radar_state state;
    radar_frame frame;
    parser = (radar_parser){0};
    radar_state_init(&state);
    for (size_t i = 0; i < length; i++) {
        radar_parser_push(&parser, bytes[i]);
        while (radar_parser_take(&parser, &frame)) {
            radar_state_take(&state, &frame, i);
        }
    }
    for (int name = 0; name < RADAR_VALUES; name++) {
        int16_t value = radar_state_value(&state, (radar_value_name)name, length);
        if (value < RADAR_MISSING || (name == RADAR_HEART_RATE && value > 220)) {
            abort();
        }
    }
    return 0;
}
