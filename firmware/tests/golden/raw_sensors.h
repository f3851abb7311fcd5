/* A board of two wires: what a script lays on them is what the sampling task reads. */
#ifndef NOCTIS_RAW_SENSORS_H
#define NOCTIS_RAW_SENSORS_H

#include <string.h>

#include "noctis/sampler.h"

#define RAW_MOST_BYTES 256

typedef struct {
    uint8_t uart[RAW_MOST_BYTES], fifo[RAW_MOST_BYTES];
    size_t uart_count, fifo_count;
    uint64_t now_ms;
    device_port port;
    sampler sampler;
} raw_board;

static inline size_t raw_uart_read(void *context, uint8_t *bytes, size_t size) {
    raw_board *board = context;
    size_t count = board->uart_count < size ? board->uart_count : size;
    memcpy(bytes, board->uart, count);
    board->uart_count -= count;
    memmove(board->uart, board->uart + count, board->uart_count);
    return count;
}

static inline void raw_uart_write(void *context, const uint8_t *bytes, size_t length) {
    (void)context, (void)bytes, (void)length;
}

static inline bool raw_i2c(void *context, uint8_t address, const uint8_t *out, size_t out_length,
                           uint8_t *in, size_t in_length) {
    raw_board *board = context;
    if (address != IMU_ADDRESS || out_length != 1) {
        return address == IMU_ADDRESS; /* a register is written */
    }
    if (out[0] == IMU_WHO_AM_I) {
        in[0] = IMU_IDENTITY;
    } else if (out[0] == IMU_FIFO_COUNT) {
        in[0] = (uint8_t)(board->fifo_count >> 8);
        in[1] = (uint8_t)board->fifo_count;
    } else {
        memcpy(in, board->fifo, in_length);
        board->fifo_count = 0;
    }
    return true;
}

static inline void raw_start(raw_board *board) {
    memset(board, 0, sizeof *board);
    board->port = (device_port){.context = board,
                                .uart_read = raw_uart_read,
                                .uart_write = raw_uart_write,
                                .i2c = raw_i2c};
    sampler_init(&board->sampler, &board->port, 0);
    board->sampler.is_clock_trusted = true;
}

/* One window of 100 ms: its bytes are there when it begins. */
static inline void raw_window(raw_board *board, const uint8_t *uart, size_t uart_count,
                              const uint8_t *fifo, size_t fifo_count) {
    memcpy(board->uart, uart, uart_count);
    memcpy(board->fifo, fifo, fifo_count);
    board->uart_count = uart_count;
    board->fifo_count = fifo_count;
    for (int i = 0; i < NOC_TICK_MS / NOC_SAMPLE_MS; i++) {
        board->now_ms += NOC_SAMPLE_MS;
        sampler_step(&board->sampler, board->now_ms);
    }
}

#endif
