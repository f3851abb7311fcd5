#include "noctis/imu.h"

#include <string.h>

const imu_setting imu_setup[IMU_SETTINGS] = {
    {0x6B, 0x01}, /* PWR_MGMT_1: it wakes asleep; the gyroscope's clock is the steadier one */
    {0x1A, 0x03}, /* CONFIG: 44 Hz low-pass, so 1 kHz internal rate */
    {0x19, 19},   /* SMPLRT_DIV: 1 kHz / 20 = 50 Hz */
    {0x1C, 0x00}, /* ACCEL_CONFIG: +-2 g, 16384 LSB/g */
    {0x23, 0x08}, /* FIFO_EN: the accelerometer's three axes */
    {0x6A, 0x44}, /* USER_CTRL: FIFO on and emptied */
};

imu_sample imu_decode(const uint8_t bytes[IMU_SAMPLE_BYTES]) {
    imu_sample sample;
    for (int i = 0; i < 3; i++) {
        sample.axis[i] = (int16_t)(uint16_t)((uint16_t)bytes[2 * i] << 8 | bytes[2 * i + 1]);
    }
    return sample;
}

void imu_window_add(imu_window *window, const imu_sample *sample) {
    for (int i = 0; i < 3; i++) {
        int16_t value = sample->axis[i];
        bool is_first = window->count == 0;
        window->sum[i] += value;
        window->low[i] = is_first || value < window->low[i] ? value : window->low[i];
        window->high[i] = is_first || value > window->high[i] ? value : window->high[i];
    }
    window->count++;
}

bool imu_window_close(imu_window *window, imu_sample *mean, uint16_t *swing) {
    bool has_samples = window->count > 0;
    *swing = 0;
    for (int i = 0; i < 3 && has_samples; i++) {
        uint16_t range = (uint16_t)(window->high[i] - window->low[i]);
        mean->axis[i] = (int16_t)(window->sum[i] / window->count);
        *swing = range > *swing ? range : *swing;
    }
    memset(window, 0, sizeof *window);
    return has_samples;
}
