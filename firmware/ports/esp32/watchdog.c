#include "esp32_port.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_task_wdt.h"

#define LIMIT_MS (2 * SUPERVISOR_REPORT_MS)

void esp32_watchdog_start(void) {
    const esp_task_wdt_config_t config = {.timeout_ms = LIMIT_MS, .trigger_panic = true};
    esp_task_wdt_reconfigure(&config);
    esp_task_wdt_add(NULL);
}

void esp32_watchdog_kick(void *context) {
    (void)context;
    esp_task_wdt_reset();
}

boot_reason esp32_boot_reason(void) {
    switch (esp_reset_reason()) {
    case ESP_RST_TASK_WDT:
    case ESP_RST_INT_WDT:
    case ESP_RST_WDT:
        return BOOT_WATCHDOG;
    case ESP_RST_PANIC:
        return BOOT_CRASH;
    case ESP_RST_SW:
        return BOOT_ASKED;
    default:
        return BOOT_POWER;
    }
}

void esp32_reboot(void *context, boot_reason reason) {
    (void)context, (void)reason;
    esp_restart();
}

uint32_t esp32_random(void *context) {
    (void)context;
    return esp_random();
}
