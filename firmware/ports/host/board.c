#include "board.h"

#include <string.h>

static uint32_t next_random(board *board) {
    board->random = board->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(board->random >> 32);
}

static uint64_t mono_ms(void *context) { return ((board *)context)->mono_ms; }

int64_t board_wall_ms(const board *board) {
    return board->true_wall_ms + (int64_t)board->mono_ms;
}

static int64_t wall_ms(void *context) {
    board *board = context;
    return board->has_sntp ? board_wall_ms(board) : 0;
}

static void set_wall(void *context, int64_t wall) {
    (void)context;
    (void)wall;
}

/* The radar's end of the UART: a query in, a report out. */
static void report(board *board, uint8_t control, uint8_t command, const uint8_t *data,
                   uint8_t length) {
    uint8_t frame[RADAR_MOST_DATA + RADAR_OVERHEAD] = {0x53, 0x59, control, command, 0, length};
    uint8_t sum = 0;
    size_t size = (size_t)length + RADAR_OVERHEAD;
    memcpy(frame + 6, data, length);
    for (size_t i = 0; i < 6u + length; i++) {
        sum = (uint8_t)(sum + frame[i]);
    }
    frame[6 + length] = sum;
    frame[7 + length] = 0x54;
    frame[8 + length] = 0x43;
    for (size_t i = 0; i < size && board->uart_count < BOARD_UART_BYTES; i++) {
        bool is_wrong = (next_random(board) & 255) < board->signals.noise;
        board->uart[board->uart_count++] = frame[i] ^ (is_wrong ? (uint8_t)next_random(board) : 0);
    }
}

static void uart_write(void *context, const uint8_t *bytes, size_t length) {
    board *board = context;
    const board_signals *now = &board->signals;
    if (length != RADAR_QUERY_BYTES || now->is_radar_dead) {
        return;
    }
    uint8_t control = bytes[2], command = bytes[3];
    const struct {
        uint8_t control, command, value;
    } answers[] = {
        {0x80, 0x81, now->is_present}, {0x80, 0x83, now->movement},
        {0x81, 0x82, now->breaths_per_min}, {0x85, 0x82, now->heart_bpm},
        {0x84, 0x81, now->is_in_bed},  {0x84, 0x82, now->sleep_state},
    };
    if (control == 0x81 && command == 0x85) {
        report(board, control, command, now->wave, sizeof now->wave);
    }
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i].control == control && answers[i].command == command) {
            report(board, control, command, &answers[i].value, 1);
        }
    }
}

static size_t uart_read(void *context, uint8_t *bytes, size_t size) {
    board *board = context;
    size_t count = board->uart_count < size ? board->uart_count : size;
    memcpy(bytes, board->uart, count);
    board->uart_count -= count;
    memmove(board->uart, board->uart + count, board->uart_count);
    return count;
}

static void imu_answer(board *board, uint8_t *in, size_t length) {
    if (board->imu_register == IMU_WHO_AM_I) {
        in[0] = IMU_IDENTITY;
    } else if (board->imu_register == IMU_FIFO_COUNT) {
        uint64_t waiting = (board->mono_ms - board->imu_read_ms) / 20;
        waiting = waiting > 170 ? 170 : waiting; /* 1024 bytes */
        in[0] = (uint8_t)(waiting * IMU_SAMPLE_BYTES >> 8);
        in[1] = (uint8_t)(waiting * IMU_SAMPLE_BYTES);
    } else if (board->imu_register == IMU_FIFO_DATA) {
        for (size_t i = 0; i < length / 2; i++) {
            bool is_up = i / 3 % 2 == 0;
            int32_t shake = is_up ? board->signals.shake : -board->signals.shake;
            uint16_t value = (uint16_t)(board->signals.accel[i % 3] + shake);
            in[2 * i] = (uint8_t)(value >> 8);
            in[2 * i + 1] = (uint8_t)value;
        }
        board->imu_read_ms += length / IMU_SAMPLE_BYTES * 20;
    }
}

static bool rtc_exchange(board *board, const uint8_t *out, size_t out_length, uint8_t *in,
                         size_t in_length) {
    if (out_length > 1 && out[0] == RTC_STATUS) {
        board->rtc_status = out[1];
    } else if (out_length > 1) {
        int64_t set_ms;
        bool is_date = rtc_decode(out + 1, 0, &set_ms);
        board->rtc_offset_ms = is_date ? set_ms - board_wall_ms(board) : 0;
    } else if (out[0] == RTC_STATUS) {
        in[0] = board->rtc_status;
    } else {
        uint8_t time[RTC_TIME_BYTES];
        rtc_encode(board_wall_ms(board) + board->rtc_offset_ms, time);
        memcpy(in, time, in_length);
    }
    return true;
}

static bool i2c(void *context, uint8_t address, const uint8_t *out, size_t out_length, uint8_t *in,
                size_t in_length) {
    board *board = context;
    if (address == RTC_ADDRESS) {
        return !board->signals.is_rtc_dead && rtc_exchange(board, out, out_length, in, in_length);
    }
    if (address != IMU_ADDRESS || board->signals.is_imu_dead) {
        return false;
    }
    board->imu_register = out[0];
    if (out_length > 1 && out[0] == 0x6A) { /* the FIFO is emptied */
        board->imu_read_ms = board->mono_ms;
    }
    imu_answer(board, in, in_length);
    return true;
}

static void http_post(void *context, const http_request *request, http_answer *answer) {
    board *board = context;
    if (board->http != NULL) {
        board->http(board, request, answer);
    }
}

static uint32_t random_word(void *context) { return next_random(context); }

static void kick_watchdog(void *context) { ((board *)context)->kicks++; }

static void set_led(void *context, led_colour colour) { ((board *)context)->led = colour; }

static void reboot(void *context, boot_reason reason) {
    (void)reason;
    ((board *)context)->flash.is_off = true;
}

static bool sign(void *context, const uint8_t digest[SHA256_BYTES],
                 uint8_t signature[TOKEN_SIGNATURE_BYTES]) {
    board *board = context;
    if (board->sign != NULL) {
        return board->sign(board, digest, signature);
    }
    memcpy(signature, digest, SHA256_BYTES);
    memcpy(signature + SHA256_BYTES, digest, SHA256_BYTES);
    return true;
}

static bool verify(void *context, const uint8_t key_id[OTA_KEY_ID_BYTES],
                   const uint8_t digest[SHA256_BYTES],
                   const uint8_t signature[OTA_SIGNATURE_BYTES]) {
    (void)context;
    return memcmp(key_id, "release1", OTA_KEY_ID_BYTES) == 0 &&
           memcmp(signature, digest, SHA256_BYTES) == 0 &&
           memcmp(signature + SHA256_BYTES, digest, SHA256_BYTES) == 0;
}

/* Images share the log's power: an operation may be the one that is cut. */
static bool has_power(board *board) {
    if (!board->flash.is_off && board->flash.operations++ == board->flash.cut_at) {
        board->flash.is_off = true;
    }
    return !board->flash.is_off;
}

static bool is_inside(uint32_t slot, uint32_t offset, size_t length) {
    return slot < 2 && offset <= BOARD_IMAGE_BYTES && length <= BOARD_IMAGE_BYTES - offset;
}

static bool image_begin(void *context, uint32_t slot, uint32_t from, uint32_t size) {
    board *board = context;
    if (!is_inside(slot, 0, size) || from > size) {
        return false;
    }
    size_t length = BOARD_IMAGE_BYTES - from;
    memset(board->images[slot] + from, 0xFF, has_power(board) ? length : length / 2);
    return !board->flash.is_off;
}

static bool image_write(void *context, uint32_t slot, uint32_t offset, const void *bytes,
                        size_t length) {
    board *board = context;
    if (!is_inside(slot, offset, length)) {
        return false;
    }
    memcpy(board->images[slot] + offset, bytes, has_power(board) ? length : length / 2);
    return !board->flash.is_off;
}

static bool image_read(void *context, uint32_t slot, uint32_t offset, void *bytes, size_t length) {
    board *board = context;
    if (!is_inside(slot, offset, length)) {
        return false;
    }
    memcpy(bytes, board->images[slot] + offset, length);
    return !board->flash.is_off;
}

static bool image_select(void *context, uint32_t slot) {
    board *board = context;
    if (has_power(board)) {
        board->selected_slot = slot;
    }
    return !board->flash.is_off;
}

void board_init(board *board, uint32_t log_sectors, uint64_t seed) {
    memset(board, 0, sizeof *board);
    nor_ram_init(&board->flash, log_sectors + APP_RESERVED_SECTORS, seed);
    board->random = seed;
    board->rtc_status = RTC_STOPPED;
    board->port = (device_port){
        .context = board,
        .mono_ms = mono_ms,
        .wall_ms = wall_ms,
        .set_wall = set_wall,
        .uart_read = uart_read,
        .uart_write = uart_write,
        .i2c = i2c,
        .nor = board->flash.nor,
        .http_post = http_post,
        .random = random_word,
        .kick_watchdog = kick_watchdog,
        .set_led = set_led,
        .reboot = reboot,
        .signer = {board, sign},
        .ota = {board, "noctis-bedside", 3, BOARD_IMAGE_BYTES, verify, image_begin, image_write,
                image_read, image_select},
    };
}

void board_free(board *board) { nor_ram_free(&board->flash); }

void board_reboot(board *board, int64_t off_ms) {
    board->true_wall_ms = board_wall_ms(board) + off_ms;
    board->mono_ms = 0;
    board->uart_count = 0;
    board->imu_read_ms = 0;
    nor_ram_power_on(&board->flash);
}
