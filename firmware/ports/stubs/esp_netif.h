/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include "esp_event.h"
extern esp_event_base_t const IP_EVENT;
enum { IP_EVENT_STA_GOT_IP = 0 };
esp_err_t esp_netif_init(void);
void *esp_netif_create_default_wifi_sta(void);
void *esp_netif_create_default_wifi_ap(void);
