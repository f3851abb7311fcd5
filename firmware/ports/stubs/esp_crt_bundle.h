/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include "esp_err.h"
esp_err_t esp_crt_bundle_attach(void *config);
