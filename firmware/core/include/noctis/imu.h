/* The MPU6050 accelerometer: its registers as data, its samples, movement in one 10 Hz window. */
#ifndef NOCTIS_IMU_H
#define NOCTIS_IMU_H

#include <stdbool.h>
#include <stdint.h>

#define IMU_ADDRESS 0x69 /* AD0 high: 0x68 is the clock's */
#define IMU_WHO_AM_I 0x75
#define IMU_IDENTITY 0x68
#define IMU_FIFO_COUNT 0x72
#define IMU_FIFO_DATA 0x74
#define IMU_SAMPLE_BYTES 6
#define IMU_BURST_SAMPLES 5 /* 50 Hz, read every 100 ms */
#define IMU_LSB_PER_G 16384 /* at +-2 g */

/* Register, value: written in this order. */
typedef struct {
    uint8_t address, value;
} imu_setting;
#define IMU_SETTINGS 6
extern const imu_setting imu_setup[IMU_SETTINGS];

typedef struct {
    int16_t axis[3];
} imu_sample;

typedef struct {
    int32_t sum[3];
    int16_t low[3], high[3];
    uint8_t count;
} imu_window;

imu_sample imu_decode(const uint8_t bytes[IMU_SAMPLE_BYTES]);
void imu_window_add(imu_window *window, const imu_sample *sample);
/* The window's mean, and in `swing` the largest peak-to-peak of an axis in LSB. False: no sample. */
bool imu_window_close(imu_window *window, imu_sample *mean, uint16_t *swing);

#endif
