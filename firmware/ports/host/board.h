/* A board in memory: flash that loses power, a radar, an accelerometer and a clock chip that
 * answer from one struct of signals, virtual time, and whatever network its owner plugs in. */
#ifndef NOCTIS_BOARD_H
#define NOCTIS_BOARD_H

#include "nor_ram.h"
#include "noctis/app.h"

#define BOARD_UART_BYTES 1024
#define BOARD_IMAGE_BYTES 4096

/* What the sensors would measure now. */
typedef struct {
    bool is_present, is_in_bed;
    uint8_t movement, heart_bpm, breaths_per_min, sleep_state;
    uint8_t wave[RADAR_WAVE_SAMPLES];
    int16_t accel[3];
    int16_t shake; /* half of the swing, LSB */
    bool is_radar_dead, is_imu_dead, is_rtc_dead;
    uint8_t noise; /* of 256 bytes on the UART, so many are wrong */
} board_signals;

typedef struct board {
    device_port port;
    nor_ram flash;
    board_signals signals;
    uint64_t mono_ms;
    int64_t true_wall_ms; /* of mono_ms 0 in this boot */
    bool has_sntp;
    uint8_t uart[BOARD_UART_BYTES];
    size_t uart_count;
    uint64_t imu_read_ms;
    uint8_t imu_samples, imu_register, rtc_register, rtc_status;
    int64_t rtc_offset_ms; /* of the chip to true time */
    void (*http)(struct board *board, const http_request *request, http_answer *answer);
    bool (*sign)(struct board *board, const uint8_t *digest, uint8_t *signature);
    void *owner;
    uint64_t random;
    uint8_t images[2][BOARD_IMAGE_BYTES];
    uint32_t selected_slot, kicks;
    bool is_signature_good;
    led_colour led;
} board;

void board_init(board *board, uint32_t log_sectors, uint64_t seed);
void board_free(board *board);
/* The processor starts anew `off_ms` later; flash and clock chip keep what they had. */
void board_reboot(board *board, int64_t off_ms);
int64_t board_wall_ms(const board *board);

#endif
