#include <string.h>

#include "../check.h"
#include "noctis/imu.h"
#include "noctis/ring.h"
#include "suites.h"

static void a_sample_is_signed_and_big_endian(void) {
    const uint8_t bytes[] = {0x40, 0x00, 0xC0, 0x00, 0xFF, 0xFE};
    imu_sample sample = imu_decode(bytes);
    CHECK_EQUAL(sample.axis[0], IMU_LSB_PER_G);
    CHECK_EQUAL(sample.axis[1], -IMU_LSB_PER_G);
    CHECK_EQUAL(sample.axis[2], -2);
}

static void a_window_has_a_mean_and_the_largest_swing(void) {
    imu_window window = {0};
    imu_sample mean;
    uint16_t swing;
    CHECK(!imu_window_close(&window, &mean, &swing));
    const imu_sample samples[] = {{{10, -100, 0}}, {{20, 50, 0}}, {{30, 0, 0}}};
    for (int i = 0; i < 3; i++) {
        imu_window_add(&window, &samples[i]);
    }
    CHECK(imu_window_close(&window, &mean, &swing));
    CHECK_EQUAL(mean.axis[0], 20);
    CHECK_EQUAL(mean.axis[1], -16);
    CHECK_EQUAL(swing, 150);
    const imu_sample extremes[] = {{{-32768, 0, 0}}, {{32767, 0, 0}}};
    imu_window_add(&window, &extremes[0]);
    imu_window_add(&window, &extremes[1]);
    CHECK(imu_window_close(&window, &mean, &swing));
    CHECK_EQUAL(swing, 65535);
}

static void a_ring_keeps_order_and_refuses_when_full(void) {
    uint32_t items[4], item;
    ring queue;
    ring_init(&queue, items, sizeof items[0], 4);
    CHECK(!ring_get(&queue, &item));
    queue.head = queue.tail = 0xFFFFFFFE; /* across the wrap */
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(ring_put(&queue, &i));
    }
    CHECK_EQUAL(ring_count(&queue), 4);
    CHECK(!ring_put(&queue, &item));
    CHECK_EQUAL(queue.refused, 1);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(ring_get(&queue, &item) && item == i);
    }
    CHECK(!ring_get(&queue, &item));
}

void imu_and_ring_suite(void) {
    RUN(a_sample_is_signed_and_big_endian);
    RUN(a_window_has_a_mean_and_the_largest_swing);
    RUN(a_ring_keeps_order_and_refuses_when_full);
}
