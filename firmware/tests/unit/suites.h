/* The suites of unit tests; each file under unit/ is one. */
#ifndef NOCTIS_SUITES_H
#define NOCTIS_SUITES_H

void flash_log_suite(void);
void radar_suite(void);
void imu_and_ring_suite(void);
void features_suite(void);
void text_suite(void);
void clock_suite(void);
void config_suite(void);
void ota_suite(void);
void ota_fetch_suite(void);
void setup_suite(void);
void supervisor_suite(void);
void uploader_suite(void);
void app_suite(void);

#endif
