/* One light for what matters most now; dim at night, for it stands in a bedroom. */
#ifndef NOCTIS_LED_H
#define NOCTIS_LED_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool is_booting, is_provisioning, is_updating, has_storage_fault, has_sensor_fault;
    bool is_recording, is_online, is_night;
} led_facts;

typedef struct {
    uint8_t red, green, blue;
} led_colour;

led_colour led_show(const led_facts *facts, uint64_t now_ms);

#endif
