#include "noctis/led.h"

#define FULL 64 /* of 255: a WS2812 at full power lights a room */
#define DIM 4
#define BLINK_EVERY_MS 4000
#define BLINK_FOR_MS 200

/* In order of urgency: the first fact that holds decides. */
led_colour led_show(const led_facts *facts, uint64_t now_ms) {
    uint8_t on = facts->is_night ? DIM : FULL;
    uint8_t half = on / 2;
    bool is_lit = now_ms % BLINK_EVERY_MS < BLINK_FOR_MS;
    if (facts->has_storage_fault) {
        return (led_colour){on, 0, 0};
    }
    if (facts->is_updating) {
        return (led_colour){half, 0, on};
    }
    if (facts->is_booting) {
        return (led_colour){on, on, on};
    }
    if (facts->is_provisioning) {
        return (led_colour){0, on, on};
    }
    if (facts->has_sensor_fault) {
        return (led_colour){on, half, 0};
    }
    if (facts->is_recording && !facts->is_online) {
        return (led_colour){0, 0, on};
    }
    if (facts->is_recording && is_lit) {
        return (led_colour){0, on, 0};
    }
    return (led_colour){0, 0, 0};
}
