/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include <stddef.h>
#include <stdint.h>
uint32_t esp_random(void);
void esp_fill_random(void *bytes, size_t length);
