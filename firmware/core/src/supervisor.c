#include "noctis/supervisor.h"

void supervisor_boot(supervisor *supervisor, const crash_record *before, boot_reason reason,
                     uint32_t crashed_at, uint64_t now_ms) {
    supervisor->record = *before;
    supervisor->record.boots++;
    supervisor->record.unhealthy_boots++;
    supervisor->record.reason = reason;
    supervisor->record.crashed_at = crashed_at;
    supervisor->booted_ms = supervisor->fed_ms = now_ms;
    supervisor->reported = 0;
    supervisor->is_healthy = false;
    supervisor->is_safe_mode = supervisor->record.unhealthy_boots > SUPERVISOR_MOST_BOOTS;
}

void supervisor_report(supervisor *supervisor, task_bit task) {
    supervisor->reported |= (uint8_t)task;
}

bool supervisor_may_feed(supervisor *supervisor, uint64_t now_ms) {
    if (supervisor->reported != TASKS_ALL) {
        return false;
    }
    supervisor->reported = 0;
    supervisor->fed_ms = now_ms;
    return true;
}

bool supervisor_became_healthy(supervisor *supervisor, uint64_t now_ms) {
    bool is_due = !supervisor->is_healthy && now_ms - supervisor->booted_ms >= SUPERVISOR_HEALTHY_MS &&
                  now_ms - supervisor->fed_ms <= SUPERVISOR_REPORT_MS;
    if (is_due) {
        supervisor->is_healthy = true;
        supervisor->record.unhealthy_boots = 0;
    }
    return is_due;
}
