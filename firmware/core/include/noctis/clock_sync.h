/* Wall time as an offset to the monotonic clock, from the best source that has spoken. */
#ifndef NOCTIS_CLOCK_SYNC_H
#define NOCTIS_CLOCK_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { CLOCK_NONE, CLOCK_RTC, CLOCK_SERVER, CLOCK_SNTP } clock_source;

/* The DS3231's time registers 00-06 and its status register 0F. */
#define RTC_ADDRESS 0x68
#define RTC_TIME_BYTES 7
#define RTC_STATUS 0x0F
#define RTC_STOPPED 0x80 /* the oscillator stood still: the time is worth nothing */
/* A second source within this distance is the same time; further off it is a correction. */
#define CLOCK_STEP_MS 2000

typedef struct {
    clock_source source;
    int64_t offset_ms; /* wall minus monotonic */
    uint64_t set_ms;
    uint32_t corrections;
} clock_sync;

/* Take a source's word unless a better one spoke in the last day. True: the time moved by more
 * than CLOCK_STEP_MS, or was not known before. */
bool clock_offer(clock_sync *clock, clock_source source, int64_t wall_ms, uint64_t now_ms);
bool clock_is_trusted(const clock_sync *clock);
int64_t clock_wall_ms(const clock_sync *clock, uint64_t now_ms);

/* False: the oscillator had stopped, or the registers hold no date. */
bool rtc_decode(const uint8_t time[RTC_TIME_BYTES], uint8_t status, int64_t *wall_ms);
void rtc_encode(int64_t wall_ms, uint8_t time[RTC_TIME_BYTES]);
/* An HTTP Date header: "Sun, 06 Nov 1994 08:49:37 GMT". */
bool http_date_decode(const char *text, size_t length, int64_t *wall_ms);

typedef struct {
    int32_t year;
    uint8_t month, day, hour, minute, second;
    uint16_t millisecond;
} civil_time;

civil_time civil_from_ms(int64_t wall_ms);
int64_t civil_to_ms(const civil_time *time);

#endif
