#include <string.h>

#include "../check.h"
#include "noctis/led.h"
#include "noctis/supervisor.h"
#include "suites.h"

static supervisor watch;

static void boot(const crash_record *before) {
    supervisor_boot(&watch, before, BOOT_WATCHDOG, 0x1234, 1000);
}

static void the_watchdog_is_fed_when_all_have_reported(void) {
    crash_record none = {0};
    boot(&none);
    CHECK(!supervisor_may_feed(&watch, 1000));
    supervisor_report(&watch, TASK_SAMPLING);
    supervisor_report(&watch, TASK_STORAGE);
    CHECK(!supervisor_may_feed(&watch, 1000));
    supervisor_report(&watch, TASK_NETWORK);
    CHECK(supervisor_may_feed(&watch, 1000));
    CHECK(!supervisor_may_feed(&watch, 1000));
}

static void a_minute_with_a_fed_watchdog_is_healthy(void) {
    crash_record before = {.boots = 9, .unhealthy_boots = 3};
    boot(&before);
    CHECK(watch.record.boots == 10 && watch.record.unhealthy_boots == 4);
    CHECK(watch.record.reason == BOOT_WATCHDOG && watch.record.crashed_at == 0x1234);
    CHECK(!supervisor_became_healthy(&watch, 60999));
    CHECK(!supervisor_became_healthy(&watch, 61000)); /* nobody fed it */
    supervisor_report(&watch, TASKS_ALL);
    CHECK(supervisor_may_feed(&watch, 61000));
    CHECK(!supervisor_became_healthy(&watch, 71001));
    supervisor_report(&watch, TASKS_ALL);
    supervisor_may_feed(&watch, 61000);
    CHECK(supervisor_became_healthy(&watch, 71000));
    CHECK_EQUAL(watch.record.unhealthy_boots, 0);
    CHECK(!supervisor_became_healthy(&watch, 71000));
}

static void five_bad_boots_lead_into_safe_mode(void) {
    crash_record record = {0};
    for (int i = 0; i < 5; i++) {
        boot(&record);
        CHECK(!watch.is_safe_mode);
        record = watch.record;
    }
    boot(&record);
    CHECK(watch.is_safe_mode);
}

static bool shows(led_facts facts, uint64_t now, int red, int green, int blue) {
    led_colour colour = led_show(&facts, now);
    return colour.red == red && colour.green == green && colour.blue == blue;
}

static void the_light_shows_what_matters_most(void) {
    CHECK(shows((led_facts){.has_storage_fault = true, .is_updating = true}, 0, 64, 0, 0));
    CHECK(shows((led_facts){.is_updating = true, .is_booting = true}, 0, 32, 0, 64));
    CHECK(shows((led_facts){.is_booting = true, .is_provisioning = true}, 0, 64, 64, 64));
    CHECK(shows((led_facts){.is_provisioning = true, .has_sensor_fault = true}, 0, 0, 64, 64));
    CHECK(shows((led_facts){.has_sensor_fault = true, .is_recording = true}, 0, 64, 32, 0));
    CHECK(shows((led_facts){.is_recording = true}, 0, 0, 0, 64));
    CHECK(shows((led_facts){.is_recording = true, .is_online = true}, 4199, 0, 64, 0));
    CHECK(shows((led_facts){.is_recording = true, .is_online = true}, 4200, 0, 0, 0));
    CHECK(shows((led_facts){.is_online = true}, 0, 0, 0, 0));
    CHECK(shows((led_facts){.is_night = true, .has_storage_fault = true}, 0, 4, 0, 0));
}

void supervisor_suite(void) {
    RUN(the_watchdog_is_fed_when_all_have_reported);
    RUN(a_minute_with_a_fed_watchdog_is_healthy);
    RUN(five_bad_boots_lead_into_safe_mode);
    RUN(the_light_shows_what_matters_most);
}
