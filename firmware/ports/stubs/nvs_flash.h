/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include "esp_err.h"
esp_err_t nvs_flash_init(void);
