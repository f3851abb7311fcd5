/* Keeps the box alive: the watchdog is fed only when every task has reported, and a device that
 * keeps crashing boots into safe mode. */
#ifndef NOCTIS_SUPERVISOR_H
#define NOCTIS_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#define SUPERVISOR_REPORT_MS 10000u /* the hardware watchdog's limit is twice this */
#define SUPERVISOR_HEALTHY_MS 60000u
#define SUPERVISOR_MOST_BOOTS 5

typedef enum { TASK_SAMPLING = 1, TASK_STORAGE = 2, TASK_NETWORK = 4, TASKS_ALL = 7 } task_bit;

typedef enum {
    BOOT_POWER,
    BOOT_WATCHDOG,
    BOOT_CRASH,
    BOOT_UPDATE,
    BOOT_ASKED,
    BOOT_REASONS,
} boot_reason;

/* Durable, beside the configuration. */
typedef struct {
    uint32_t boots, unhealthy_boots;
    uint32_t reason;
    uint32_t crashed_at; /* the program counter that the port found, 0 for none */
} crash_record;

typedef struct {
    crash_record record;
    uint64_t booted_ms, fed_ms;
    uint8_t reported;
    bool is_healthy, is_safe_mode;
} supervisor;

/* The new record is to be saved at once: a crash before that would not be counted. */
void supervisor_boot(supervisor *supervisor, const crash_record *before, boot_reason reason,
                     uint32_t crashed_at, uint64_t now_ms);
void supervisor_report(supervisor *supervisor, task_bit task);
/* True: feed the watchdog now. */
bool supervisor_may_feed(supervisor *supervisor, uint64_t now_ms);
/* True once, when a minute went well: save the record again. */
bool supervisor_became_healthy(supervisor *supervisor, uint64_t now_ms);

#endif
