#include <string.h>

#include "../check.h"
#include "noctis/clock_sync.h"
#include "suites.h"

#define NOON 1763640000000 /* 2025-11-20T12:00:00Z */

static void nothing_is_trusted_before_somebody_spoke(void) {
    clock_sync clock = {0};
    CHECK(!clock_is_trusted(&clock));
    CHECK(!clock_offer(&clock, CLOCK_SNTP, 1000, 5));
    CHECK(!clock_offer(&clock, CLOCK_SNTP, 4102444800000, 5));
    CHECK(!clock_is_trusted(&clock));
    CHECK(clock_offer(&clock, CLOCK_RTC, NOON, 5));
    CHECK(clock_is_trusted(&clock));
    CHECK_EQUAL(clock_wall_ms(&clock, 1005), NOON + 1000);
}

static void a_better_source_corrects_a_worse_one_does_not(void) {
    clock_sync clock = {0};
    clock_offer(&clock, CLOCK_SERVER, NOON, 0);
    CHECK(!clock_offer(&clock, CLOCK_RTC, NOON + 60000, 0));
    CHECK_EQUAL(clock_wall_ms(&clock, 0), NOON);
    CHECK(clock_offer(&clock, CLOCK_SNTP, NOON + 60000, 0));
    CHECK(!clock_offer(&clock, CLOCK_SERVER, NOON, 1000));
    CHECK_EQUAL(clock_wall_ms(&clock, 0), NOON + 60000);
    CHECK_EQUAL(clock.corrections, 2);
    CHECK(clock_offer(&clock, CLOCK_RTC, NOON, 86400000)); /* SNTP has been silent for a day */
}

static void small_differences_are_no_news(void) {
    clock_sync clock = {0};
    clock_offer(&clock, CLOCK_SERVER, NOON, 0);
    CHECK(!clock_offer(&clock, CLOCK_SERVER, NOON + 2000, 0));
    CHECK(!clock_offer(&clock, CLOCK_SERVER, NOON - 2000, 0));
    CHECK_EQUAL(clock_wall_ms(&clock, 0), NOON);
    CHECK(!clock_offer(&clock, CLOCK_SNTP, NOON + 300, 0)); /* but exact time is taken */
    CHECK_EQUAL(clock_wall_ms(&clock, 0), NOON + 300);
    CHECK(clock_offer(&clock, CLOCK_SNTP, NOON + 2301, 0));
    CHECK(clock_offer(&clock, CLOCK_SNTP, NOON + 300, 0));
}

static void the_rtc_gives_back_what_it_was_set_to(void) {
    uint8_t time[RTC_TIME_BYTES];
    for (int64_t wall = NOON; wall < 4102444800000; wall += 86400000LL * 13 + 3723000) {
        int64_t back;
        rtc_encode(wall, time);
        CHECK(rtc_decode(time, 0, &back));
        CHECK_EQUAL(back, wall);
        CHECK(time[3] >= 1 && time[3] <= 7);
    }
}

static void a_stopped_or_senseless_rtc_is_not_believed(void) {
    const uint8_t good[] = {0x59, 0x59, 0x23, 0x03, 0x29, 0x02, 0x28};
    int64_t wall;
    CHECK(rtc_decode(good, 0x08, &wall));
    CHECK(!rtc_decode(good, 0x80, &wall));
    const uint8_t bad[][2] = {{0, 0x60}, {1, 0x60}, {2, 0x24}, {2, 0x52}, {4, 0x00},
                              {4, 0x31}, {5, 0x13}, {5, 0x00}, {6, 0x27}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t time[RTC_TIME_BYTES];
        memcpy(time, good, sizeof time);
        time[bad[i][0]] = bad[i][1];
        CHECK(!rtc_decode(time, 0, &wall)); /* 2027 has no 29 February */
    }
}

static void an_http_date_is_read_or_refused(void) {
    int64_t wall;
    CHECK(http_date_decode("Sun, 06 Nov 1994 08:49:37 GMT", 29, &wall));
    CHECK_EQUAL(wall, 784111777000);
    const char *wrong[] = {
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nix 1994 08:49:37 GMT",
        "Sun, xx Nov 1994 08:49:37 GMT", "Sun, 06 Nov 19x4 08:49:37 GMT",
        "Sun, 06 Nov 1994 x8:49:37 GMT", "Sun, 06 Nov 1994 08:x9:37 GMT",
        "Sun, 06 Nov 1994 08:49:x7 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 00 Nov 1994 08:49:07 GMT"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!http_date_decode(wrong[i], 29, &wall));
    }
    CHECK(!http_date_decode("Sun, 06 Nov 1994 08:49:37 GM", 28, &wall));
}

static void the_calendar_goes_both_ways(void) {
    for (int64_t wall = 0; wall < 4102444800000; wall += 86400000LL * 3 + 12345678) {
        civil_time civil = civil_from_ms(wall);
        CHECK_EQUAL(civil_to_ms(&civil), wall);
    }
    civil_time leap = civil_from_ms(951782400000);
    CHECK(leap.year == 2000 && leap.month == 2 && leap.day == 29);
}

void clock_suite(void) {
    RUN(nothing_is_trusted_before_somebody_spoke);
    RUN(a_better_source_corrects_a_worse_one_does_not);
    RUN(small_differences_are_no_news);
    RUN(the_rtc_gives_back_what_it_was_set_to);
    RUN(a_stopped_or_senseless_rtc_is_not_believed);
    RUN(an_http_date_is_read_or_refused);
    RUN(the_calendar_goes_both_ways);
}
