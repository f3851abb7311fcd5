#include "../check.h"
#include "suites.h"

TEST_MAIN

int main(void) {
    flash_log_suite();
    radar_suite();
    imu_and_ring_suite();
    features_suite();
    text_suite();
    clock_suite();
    config_suite();
    ota_suite();
    ota_fetch_suite();
    setup_suite();
    supervisor_suite();
    uploader_suite();
    app_suite();
    return TEST_RESULT();
}
