#include <sys/time.h>

#include "esp32_port.h"
#include "esp_sntp.h"
#include "esp_timer.h"

void esp32_clock_start(void) {
    esp_sntp_setoperatingmode(ESP_SNTP_OPMODE_POLL);
    esp_sntp_setservername(0, "pool.ntp.org");
    esp_sntp_init();
}

uint64_t esp32_mono_ms(void *context) {
    (void)context;
    return (uint64_t)esp_timer_get_time() / 1000;
}

/* Only what SNTP has set counts: the system clock also runs when nobody has. */
int64_t esp32_wall_ms(void *context) {
    (void)context;
    struct timeval now;
    if (sntp_get_sync_status() != SNTP_SYNC_STATUS_COMPLETED) {
        return 0;
    }
    gettimeofday(&now, NULL);
    return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

void esp32_set_wall(void *context, int64_t wall_ms) {
    (void)context;
    const struct timeval now = {.tv_sec = wall_ms / 1000, .tv_usec = wall_ms % 1000 * 1000};
    settimeofday(&now, NULL);
}
