#include "noctis/clock_sync.h"

#include <string.h>

#define DAY_MS 86400000
#define DAYS_0000_TO_1970 719468 /* from 0000-03-01, where this calendar's years begin */
#define DAYS_IN_400_YEARS 146097
/* Before it was built, no clock of the device can be right. */
#define EARLIEST_MS 1735689600000 /* 2025-01-01 */
#define LATEST_MS 4102444800000   /* 2100-01-01: the DS3231 has two digits */

bool clock_is_trusted(const clock_sync *clock) { return clock->source != CLOCK_NONE; }

int64_t clock_wall_ms(const clock_sync *clock, uint64_t now_ms) {
    return (int64_t)now_ms + clock->offset_ms;
}

bool clock_offer(clock_sync *clock, clock_source source, int64_t wall_ms, uint64_t now_ms) {
    if (wall_ms < EARLIEST_MS || wall_ms >= LATEST_MS) {
        return false;
    }
    bool is_outranked = source < clock->source && now_ms - clock->set_ms < DAY_MS;
    int64_t step = wall_ms - clock_wall_ms(clock, now_ms);
    bool is_news = !clock_is_trusted(clock) || step > CLOCK_STEP_MS || step < -CLOCK_STEP_MS;
    if (is_outranked) {
        return false;
    }
    /* A Date header has whole seconds: within a step's width the offset stays, or it would dance. */
    if (is_news || source == CLOCK_SNTP) {
        clock->offset_ms = wall_ms - (int64_t)now_ms;
        clock->corrections += is_news;
    }
    clock->source = source;
    clock->set_ms = now_ms;
    return is_news;
}

/* Howard Hinnant's civil calendar, years beginning in March so that leap days come last. */
int64_t civil_to_ms(const civil_time *time) {
    int32_t year = time->year - (time->month <= 2);
    int32_t era = year / 400;
    int32_t of_era = year - era * 400;
    int32_t month = (time->month + 9) % 12;
    int32_t day = (153 * month + 2) / 5 + time->day - 1;
    int32_t days = of_era * 365 + of_era / 4 - of_era / 100 + day;
    int64_t since = (int64_t)era * DAYS_IN_400_YEARS + days - DAYS_0000_TO_1970;
    int32_t seconds = time->hour * 3600 + time->minute * 60 + time->second;
    return since * DAY_MS + (int64_t)seconds * 1000 + time->millisecond;
}

civil_time civil_from_ms(int64_t wall_ms) {
    int64_t days = wall_ms / DAY_MS + DAYS_0000_TO_1970;
    int32_t left_ms = (int32_t)(wall_ms % DAY_MS);
    int32_t era = (int32_t)(days / DAYS_IN_400_YEARS);
    int32_t of_era = (int32_t)(days % DAYS_IN_400_YEARS);
    int32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int32_t month = (5 * of_year + 2) / 153;
    civil_time time = {
        .year = year + era * 400 + (month >= 10),
        .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
        .day = (uint8_t)(of_year - (153 * month + 2) / 5 + 1),
        .hour = (uint8_t)(left_ms / 3600000),
        .minute = (uint8_t)(left_ms / 60000 % 60),
        .second = (uint8_t)(left_ms / 1000 % 60),
        .millisecond = (uint16_t)(left_ms % 1000),
    };
    return time;
}

static bool is_date(const civil_time *time) {
    if (time->month < 1 || time->month > 12 || time->day < 1 || time->hour > 23 ||
        time->minute > 59 || time->second > 59) {
        return false;
    }
    civil_time back = civil_from_ms(civil_to_ms(time));
    return back.day == time->day && back.month == time->month;
}

static uint8_t from_bcd(uint8_t value) { return (uint8_t)((value >> 4) * 10 + (value & 15)); }

static uint8_t to_bcd(uint32_t value) { return (uint8_t)(value / 10 << 4 | value % 10); }

bool rtc_decode(const uint8_t time[RTC_TIME_BYTES], uint8_t status, int64_t *wall_ms) {
    /* Register 02 bit 6 would be twelve-hour mode, which is never written; 05 bit 7 the century. */
    civil_time civil = {
        .year = 2000 + from_bcd(time[6]),
        .month = from_bcd(time[5] & 0x1F),
        .day = from_bcd(time[4] & 0x3F),
        .hour = from_bcd(time[2] & 0x3F),
        .minute = from_bcd(time[1] & 0x7F),
        .second = from_bcd(time[0] & 0x7F),
    };
    if (status & RTC_STOPPED || time[2] & 0x40 || !is_date(&civil)) {
        return false;
    }
    *wall_ms = civil_to_ms(&civil);
    return true;
}

void rtc_encode(int64_t wall_ms, uint8_t time[RTC_TIME_BYTES]) {
    civil_time civil = civil_from_ms(wall_ms);
    time[0] = to_bcd(civil.second);
    time[1] = to_bcd(civil.minute);
    time[2] = to_bcd(civil.hour);
    time[3] = (uint8_t)((wall_ms / DAY_MS + 3) % 7 + 1); /* 1970-01-01 was a Thursday, day 4 */
    time[4] = to_bcd(civil.day);
    time[5] = to_bcd(civil.month);
    time[6] = to_bcd((uint32_t)civil.year % 100);
}

static bool read_digits(const char *text, int count, int32_t *value) {
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

bool http_date_decode(const char *text, size_t length, int64_t *wall_ms) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int32_t day, year, hour, minute, second;
    if (length != 29 || memcmp(text + 25, " GMT", 4) != 0 || !read_digits(text + 5, 2, &day) ||
        !read_digits(text + 12, 4, &year) || !read_digits(text + 17, 2, &hour) ||
        !read_digits(text + 20, 2, &minute) || !read_digits(text + 23, 2, &second)) {
        return false;
    }
    for (uint8_t month = 0; month < 12; month++) {
        if (memcmp(text + 8, months + 3 * month, 3) == 0) {
            civil_time civil = {.year = year,
                                .month = (uint8_t)(month + 1),
                                .day = (uint8_t)day,
                                .hour = (uint8_t)hour,
                                .minute = (uint8_t)minute,
                                .second = (uint8_t)second};
            *wall_ms = civil_to_ms(&civil);
            return is_date(&civil);
        }
    }
    return false;
}
