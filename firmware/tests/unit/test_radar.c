#include <string.h>

#include "../check.h"
#include "noctis/radar_state.h"
#include "suites.h"

static radar_parser parser;
static radar_frame frame;

static int feed(const uint8_t *bytes, size_t length) {
    int frames = 0;
    for (size_t i = 0; i < length; i++) {
        radar_parser_push(&parser, bytes[i]);
        while (radar_parser_take(&parser, &frame)) {
            frames++;
        }
    }
    return frames;
}

static size_t build(uint8_t *bytes, uint8_t control, uint8_t command, const uint8_t *data,
                    uint8_t length) {
    uint8_t head[] = {0x53, 0x59, control, command, 0, length}, sum = 0;
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + 6, data, length);
    for (size_t i = 0; i < 6u + length; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    const uint8_t tail[] = {sum, 0x54, 0x43};
    memcpy(bytes + 6 + length, tail, sizeof tail);
    return length + (size_t)RADAR_OVERHEAD;
}

static void a_query_is_as_the_datasheet_computes_it(void) {
    const uint8_t wanted[] = {0x53, 0x59, 0x85, 0x82, 0x00, 0x01, 0x0F, 0xC3, 0x54, 0x43};
    uint8_t got[RADAR_QUERY_BYTES];
    radar_query(0x85, 0x02, got);
    CHECK(memcmp(got, wanted, sizeof wanted) == 0);
}

static void a_frame_is_taken_whole(void) {
    uint8_t bytes[64];
    memset(&parser, 0, sizeof parser);
    size_t length = build(bytes, 0x85, 0x02, (const uint8_t *)"\x3c", 1);
    CHECK_EQUAL(feed(bytes, length), 1);
    CHECK(frame.control == 0x85 && frame.command == 2 && frame.length == 1 && frame.data[0] == 0x3c);
    CHECK_EQUAL(parser.dropped, 0);
}

static void a_frame_of_any_length_is_taken(void) {
    uint8_t bytes[64], data[RADAR_MOST_DATA + 1] = {0};
    for (uint8_t length = 0; length <= RADAR_MOST_DATA; length++) {
        memset(&parser, 0, sizeof parser);
        CHECK_EQUAL(feed(bytes, build(bytes, 1, 2, data, length)), 1);
        CHECK_EQUAL(frame.length, length);
    }
    CHECK_EQUAL(feed(bytes, build(bytes, 1, 2, data, RADAR_MOST_DATA + 1)), 0);
}

static void any_wrong_byte_costs_that_frame_alone(void) {
    uint8_t bytes[64];
    for (size_t wrong = 0; wrong < 10; wrong++) {
        for (int bit = 0; bit < 8; bit++) {
            memset(&parser, 0, sizeof parser);
            size_t length = build(bytes, 0x85, 0x02, (const uint8_t *)"\x3c", 1);
            bytes[wrong] ^= (uint8_t)(1 << bit);
            int broken = feed(bytes, length);
            CHECK_EQUAL(broken, 0);
            length = build(bytes, 0x81, 0x02, (const uint8_t *)"\x0e", 1);
            /* A length that was bent upwards waits for its bytes: two frames bring them. */
            int taken = 0;
            for (int i = 0; i < 6 && taken == 0; i++) {
                taken = feed(bytes, length);
            }
            CHECK(taken > 0);
            CHECK(frame.control == 0x81 && frame.data[0] == 0x0e);
        }
    }
}

static void after_noise_the_next_frame_is_accepted_within_two(void) {
    uint8_t bytes[64], noise[40];
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        memset(&parser, 0, sizeof parser);
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 1664525 + 1013904223;
            noise[i] = (uint8_t)(seed >> 24);
        }
        feed(noise, round % sizeof noise);
        size_t length = build(bytes, 0x81, 0x05, (const uint8_t *)"\x80\x81\x82\x83\x84", 5);
        int taken = feed(bytes, length);
        taken += feed(bytes, length);
        CHECK(taken >= 1);
    }
}

static void a_head_inside_noise_does_not_swallow_the_frame(void) {
    uint8_t bytes[64] = {0x53, 0x59, 0x53, 0x53};
    memset(&parser, 0, sizeof parser);
    size_t length = 4 + build(bytes + 4, 0x80, 0x03, (const uint8_t *)"\x10", 1);
    CHECK_EQUAL(feed(bytes, length), 1);
    CHECK_EQUAL(parser.dropped, 4);
}

static void a_parser_that_nobody_empties_does_not_overflow(void) {
    memset(&parser, 0, sizeof parser);
    for (int i = 0; i < 500; i++) {
        radar_parser_push(&parser, 0x53);
    }
    CHECK_EQUAL(parser.count, sizeof parser.bytes);
    CHECK(parser.dropped > 400);
}

static void a_byte_of_noise_is_dropped_at_once(void) {
    memset(&parser, 0, sizeof parser);
    CHECK_EQUAL(feed((const uint8_t *)"\x00", 1), 0);
    CHECK(parser.count == 0 && parser.dropped == 1);
    CHECK_EQUAL(feed((const uint8_t *)"\x53\x00", 2), 0);
    CHECK(parser.count == 0 && parser.dropped == 3);
    CHECK_EQUAL(feed((const uint8_t *)"\x53\x59\x01\x02\xff\xff", 6), 0); /* no such length */
    CHECK(parser.count == 0 && parser.dropped == 9);
}

static radar_state state;

static void say(uint8_t control, uint8_t command, const char *data, uint8_t length, uint64_t now) {
    radar_frame said = {control, command, length, {0}};
    memcpy(said.data, data, length);
    radar_state_take(&state, &said, now);
}

static void each_value_has_its_report(void) {
    radar_state_init(&state);
    for (int i = 0; i < RADAR_VALUES; i++) {
        CHECK_EQUAL(radar_state_value(&state, (radar_value_name)i, 10), RADAR_MISSING);
    }
    say(0x80, 0x01, "\x01", 1, 10);
    say(0x80, 0x02, "\x02", 1, 10);
    say(0x80, 0x03, "\x64", 1, 10);
    say(0x80, 0x04, "\x01\x02", 2, 10);
    say(0x81, 0x01, "\x03", 1, 10);
    say(0x81, 0x82, "\x0e", 1, 10);
    say(0x85, 0x82, "\x3c", 1, 10);
    say(0x84, 0x81, "\x00", 1, 10);
    say(0x84, 0x82, "\x00", 1, 10);
    say(0x84, 0x8D, "\x01\x02\x0f\x40", 4, 10);
    const int16_t wanted[RADAR_VALUES] = {1, 2, 100, 258, 3, 14, 60, 0, 0, 64};
    for (int i = 0; i < RADAR_VALUES; i++) {
        CHECK_EQUAL(radar_state_value(&state, (radar_value_name)i, 10), wanted[i]);
    }
    CHECK_EQUAL(state.new_heart, 60);
    CHECK_EQUAL(state.new_breath, 14);
}

static void a_value_is_missing_after_five_seconds(void) {
    radar_state_init(&state);
    say(0x85, 0x02, "\x3c", 1, 1000);
    CHECK_EQUAL(radar_state_value(&state, RADAR_HEART_RATE, 6000), 60);
    CHECK_EQUAL(radar_state_value(&state, RADAR_HEART_RATE, 6001), RADAR_MISSING);
}

static void no_reading_is_missing_and_never_a_number(void) {
    const char *none[] = {"\x00", "\xff", "\x1d", "\xdd"};
    for (int i = 0; i < 4; i++) {
        radar_state_init(&state);
        say(0x85, 0x02, none[i], 1, 0);
        CHECK_EQUAL(radar_state_value(&state, RADAR_HEART_RATE, 0), RADAR_MISSING);
        CHECK_EQUAL(state.new_heart, RADAR_MISSING);
    }
    radar_state_init(&state);
    say(0x85, 0x02, "\x1e", 1, 0);
    CHECK_EQUAL(state.new_heart, 30);
    say(0x85, 0x02, "\xdc", 1, 0);
    CHECK_EQUAL(state.new_heart, 220);
    say(0x81, 0x02, "\x03", 1, 0);
    CHECK_EQUAL(state.new_breath, RADAR_MISSING);
    say(0x84, 0x02, "\x04", 1, 0);
    CHECK_EQUAL(radar_state_value(&state, RADAR_SLEEP, 0), RADAR_MISSING);
    say(0x85, 0x02, "", 0, 0);
    CHECK_EQUAL(state.new_heart, RADAR_MISSING);
    say(0x80, 0x04, "\x01", 1, 0);
    CHECK_EQUAL(radar_state_value(&state, RADAR_DISTANCE, 0), RADAR_MISSING);
    say(0x99, 0x02, "\x3c", 1, 0);
    CHECK_EQUAL(state.new_heart, RADAR_MISSING);
}

static void a_short_wave_is_no_wave(void) {
    radar_state_init(&state);
    say(0x81, 0x05, "\x80\x80\x80\x80", 4, 0);
    CHECK(!state.is_new_wave);
    say(0x81, 0x05, "\x80\x81\x82\x83\x84", 5, 0);
    CHECK(state.is_new_wave && state.wave[4] == 0x84);
}

static void queries_go_round_ten_times_a_second(void) {
    uint8_t bytes[RADAR_QUERY_BYTES];
    int hearts = 0, queries = 0;
    radar_state_init(&state);
    for (uint64_t now = 10; now <= 10000; now += 10) {
        if (radar_state_query(&state, now, bytes)) {
            queries++;
            hearts += bytes[2] == 0x85 && bytes[3] == 0x82;
        }
    }
    CHECK_EQUAL(queries, 100);
    CHECK_EQUAL(hearts, 10);
}

void radar_suite(void) {
    RUN(a_query_is_as_the_datasheet_computes_it);
    RUN(a_frame_is_taken_whole);
    RUN(a_frame_of_any_length_is_taken);
    RUN(any_wrong_byte_costs_that_frame_alone);
    RUN(after_noise_the_next_frame_is_accepted_within_two);
    RUN(a_head_inside_noise_does_not_swallow_the_frame);
    RUN(a_parser_that_nobody_empties_does_not_overflow);
    RUN(a_byte_of_noise_is_dropped_at_once);
    RUN(each_value_has_its_report);
    RUN(a_value_is_missing_after_five_seconds);
    RUN(no_reading_is_missing_and_never_a_number);
    RUN(a_short_wave_is_no_wave);
    RUN(queries_go_round_ten_times_a_second);
}
