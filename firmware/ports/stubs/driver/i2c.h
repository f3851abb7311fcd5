/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "esp_err.h"
typedef enum { I2C_MODE_MASTER = 1 } i2c_mode_t;
typedef struct {
    i2c_mode_t mode;
    int sda_io_num, scl_io_num;
    int sda_pullup_en, scl_pullup_en;
    struct {
        uint32_t clk_speed;
    } master;
} i2c_config_t;
esp_err_t i2c_param_config(int port, const i2c_config_t *config);
esp_err_t i2c_driver_install(int port, i2c_mode_t mode, size_t rx, size_t tx, int flags);
esp_err_t i2c_master_write_to_device(int port, uint8_t address, const uint8_t *out, size_t length,
                                     uint32_t ticks);
esp_err_t i2c_master_write_read_device(int port, uint8_t address, const uint8_t *out, size_t length,
                                       uint8_t *in, size_t in_length, uint32_t ticks);
