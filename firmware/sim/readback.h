/* What the platform has of a device, against what the device's own durable log holds. */
#ifndef NOCTIS_SIM_READBACK_H
#define NOCTIS_SIM_READBACK_H

#include "device.h"

typedef struct {
    uint32_t recordings, on_device, on_server;
    uint32_t missing, strange, different, twice, out_of_order;
} comparison;

/* Adds to the sums; false: the platform could not be asked. */
bool readback_compare(sim_device *device, comparison *sums);

#endif
