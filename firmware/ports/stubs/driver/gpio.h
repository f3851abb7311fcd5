/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include "esp_err.h"
typedef enum { GPIO_MODE_INPUT = 1 } gpio_mode_t;
esp_err_t gpio_set_direction(int pin, gpio_mode_t mode);
int gpio_get_level(int pin);
