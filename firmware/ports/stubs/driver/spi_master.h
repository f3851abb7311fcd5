/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "esp_err.h"
typedef enum { SPI3_HOST = 2 } spi_host_device_t;
#define SPI_DMA_CH_AUTO 3
typedef struct spi_device_t *spi_device_handle_t;
typedef struct {
    int mosi_io_num, miso_io_num, sclk_io_num, quadwp_io_num, quadhd_io_num;
} spi_bus_config_t;
typedef struct {
    int clock_speed_hz, spics_io_num, queue_size;
} spi_device_interface_config_t;
typedef struct {
    size_t length;
    const void *tx_buffer;
    void *rx_buffer;
} spi_transaction_t;
esp_err_t spi_bus_initialize(spi_host_device_t host, const spi_bus_config_t *bus, int dma);
esp_err_t spi_bus_add_device(spi_host_device_t host, const spi_device_interface_config_t *device,
                             spi_device_handle_t *handle);
esp_err_t spi_device_transmit(spi_device_handle_t handle, spi_transaction_t *transaction);
