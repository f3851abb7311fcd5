#include "driver/i2c.h"
#include "esp32_port.h"

#define BUS 0
#define BUS_HZ 400000
#define LONGEST_TICKS 1 /* 30 bytes take 0.8 ms; a held bus must not hold the sampling task */

void esp32_i2c_start(void) {
    const i2c_config_t config = {.mode = I2C_MODE_MASTER,
                                 .sda_io_num = PIN_I2C_DATA,
                                 .scl_io_num = PIN_I2C_CLOCK,
                                 .sda_pullup_en = 1,
                                 .scl_pullup_en = 1,
                                 .master = {.clk_speed = BUS_HZ}};
    i2c_param_config(BUS, &config);
    i2c_driver_install(BUS, I2C_MODE_MASTER, 0, 0, 0);
}

bool esp32_i2c(void *context, uint8_t address, const uint8_t *out, size_t out_length, uint8_t *in,
               size_t in_length) {
    (void)context;
    if (in_length == 0) {
        return i2c_master_write_to_device(BUS, address, out, out_length, LONGEST_TICKS) == ESP_OK;
    }
    return i2c_master_write_read_device(BUS, address, out, out_length, in, in_length,
                                        LONGEST_TICKS) == ESP_OK;
}
