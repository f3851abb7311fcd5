#include "driver/uart.h"
#include "esp32_port.h"

#define RADAR_UART 2
#define RADAR_BAUD 115200
#define BUFFER_BYTES 1024 /* 90 ms at full rate: nine ticks of the sampling task */

void esp32_uart_start(void) {
    const uart_config_t config = {.baud_rate = RADAR_BAUD,
                                  .data_bits = UART_DATA_8_BITS,
                                  .parity = UART_PARITY_DISABLE,
                                  .stop_bits = UART_STOP_BITS_1};
    uart_driver_install(RADAR_UART, BUFFER_BYTES, BUFFER_BYTES, 0, NULL, 0);
    uart_param_config(RADAR_UART, &config);
    uart_set_pin(RADAR_UART, PIN_RADAR_TX, PIN_RADAR_RX, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE);
}

size_t esp32_uart_read(void *context, uint8_t *bytes, size_t size) {
    (void)context;
    int count = uart_read_bytes(RADAR_UART, bytes, (uint32_t)size, 0); /* no tick of waiting */
    return count > 0 ? (size_t)count : 0;
}

void esp32_uart_write(void *context, const uint8_t *bytes, size_t length) {
    (void)context;
    uart_tx_chars(RADAR_UART, (const char *)bytes, (uint32_t)length); /* what fits, at once */
}
