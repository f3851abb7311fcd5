/* The W25Q64 on its own SPI bus; only the storage and network tasks wait here. */
#include <string.h>

#include "driver/spi_master.h"
#include "esp32_port.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

enum { READ = 0x03, PROGRAM = 0x02, ERASE_4K = 0x20, WRITE_ENABLE = 0x06, READ_STATUS = 0x05 };
#define COMMAND_BYTES 4
#define STATUS_BUSY 0x01
#define LONGEST_BUSY_MS 500 /* datasheet: a sector erase takes 45 ms, at most 400 */
#define SPI_HZ 20000000

static spi_device_handle_t flash;
static SemaphoreHandle_t one_at_a_time;

void esp32_nor_start(void) {
    const spi_bus_config_t bus = {.mosi_io_num = PIN_SPI_MOSI,
                                  .miso_io_num = PIN_SPI_MISO,
                                  .sclk_io_num = PIN_SPI_CLOCK,
                                  .quadwp_io_num = -1,
                                  .quadhd_io_num = -1};
    const spi_device_interface_config_t device = {
        .clock_speed_hz = SPI_HZ, .spics_io_num = PIN_FLASH_SELECT, .queue_size = 1};
    one_at_a_time = xSemaphoreCreateMutex();
    spi_bus_initialize(SPI3_HOST, &bus, SPI_DMA_CH_AUTO);
    spi_bus_add_device(SPI3_HOST, &device, &flash);
}

static bool transfer(const uint8_t *out, uint8_t *in, size_t length) {
    spi_transaction_t transaction = {.length = length * 8, .tx_buffer = out, .rx_buffer = in};
    return spi_device_transmit(flash, &transaction) == ESP_OK;
}

static void put_command(uint8_t *bytes, uint8_t command, uint32_t address) {
    bytes[0] = command;
    bytes[1] = (uint8_t)(address >> 16);
    bytes[2] = (uint8_t)(address >> 8);
    bytes[3] = (uint8_t)address;
}

static bool is_done(void) {
    for (int waited_ms = 0; waited_ms < LONGEST_BUSY_MS; waited_ms++) {
        uint8_t out[2] = {READ_STATUS, 0}, in[2];
        if (!transfer(out, in, sizeof out)) {
            return false;
        }
        if (!(in[1] & STATUS_BUSY)) {
            return true;
        }
        vTaskDelay(1);
    }
    return false;
}

static bool change(uint8_t command, uint32_t address, const void *bytes, size_t length) {
    uint8_t enable = WRITE_ENABLE, out[COMMAND_BYTES + NOR_PAGE_BYTES];
    put_command(out, command, address);
    memcpy(out + COMMAND_BYTES, bytes, length);
    xSemaphoreTake(one_at_a_time, portMAX_DELAY);
    bool is_changed =
        transfer(&enable, NULL, 1) && transfer(out, NULL, COMMAND_BYTES + length) && is_done();
    xSemaphoreGive(one_at_a_time);
    return is_changed;
}

bool esp32_nor_read(void *context, uint32_t address, void *bytes, size_t length) {
    (void)context;
    uint8_t out[COMMAND_BYTES + NOR_PAGE_BYTES] = {0}, in[COMMAND_BYTES + NOR_PAGE_BYTES];
    bool is_read = true;
    xSemaphoreTake(one_at_a_time, portMAX_DELAY);
    for (size_t done = 0; done < length && is_read; done += NOR_PAGE_BYTES) {
        size_t part = length - done < NOR_PAGE_BYTES ? length - done : NOR_PAGE_BYTES;
        put_command(out, READ, address + (uint32_t)done);
        is_read = transfer(out, in, COMMAND_BYTES + part);
        memcpy((uint8_t *)bytes + done, in + COMMAND_BYTES, part);
    }
    xSemaphoreGive(one_at_a_time);
    return is_read;
}

bool esp32_nor_program(void *context, uint32_t address, const void *bytes, size_t length) {
    (void)context;
    return length <= NOR_PAGE_BYTES && change(PROGRAM, address, bytes, length);
}

bool esp32_nor_erase(void *context, uint32_t address) {
    (void)context;
    return change(ERASE_4K, address, "", 0);
}
