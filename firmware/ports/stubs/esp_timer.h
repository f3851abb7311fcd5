/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include <stdint.h>
int64_t esp_timer_get_time(void);
