/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
typedef int esp_err_t;
#define ESP_OK 0
