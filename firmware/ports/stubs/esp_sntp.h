/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
typedef enum { ESP_SNTP_OPMODE_POLL = 0 } esp_sntp_operatingmode_t;
typedef enum { SNTP_SYNC_STATUS_RESET, SNTP_SYNC_STATUS_COMPLETED } sntp_sync_status_t;
void esp_sntp_setoperatingmode(esp_sntp_operatingmode_t mode);
void esp_sntp_setservername(unsigned char number, const char *name);
void esp_sntp_init(void);
sntp_sync_status_t sntp_get_sync_status(void);
