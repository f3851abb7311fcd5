#include <string.h>

#include "esp32_port.h"
#include "esp_event.h"
#include "esp_netif.h"
#include "esp_wifi.h"

static volatile bool is_up;

static void on_event(void *argument, esp_event_base_t base, int32_t id, void *data) {
    (void)argument, (void)data;
    if (base == IP_EVENT && id == IP_EVENT_STA_GOT_IP) {
        is_up = true;
    } else if (base == WIFI_EVENT && id == WIFI_EVENT_STA_DISCONNECTED) {
        is_up = false;
        esp_wifi_connect(); /* the driver's task: nobody of ours waits for it */
    }
}

bool esp32_wifi_is_up(void) { return is_up; }

static void start_radio(void) {
    wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
    static bool is_started;
    if (is_started) {
        return;
    }
    is_started = true;
    esp_netif_init();
    esp_event_loop_create_default();
    esp_netif_create_default_wifi_sta();
    esp_netif_create_default_wifi_ap();
    esp_wifi_init(&init);
    esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_event, NULL);
    esp_event_handler_register(IP_EVENT, IP_EVENT_STA_GOT_IP, on_event, NULL);
    esp_wifi_set_mode(WIFI_MODE_STA);
    esp_wifi_start();
}

void esp32_wifi_start(const char *name, const char *secret) {
    wifi_config_t config = {0};
    memcpy(config.sta.ssid, name, strnlen(name, sizeof config.sta.ssid));
    memcpy(config.sta.password, secret, strnlen(secret, sizeof config.sta.password));
    config.sta.threshold.authmode = WIFI_AUTH_WPA2_PSK;
    start_radio();
    esp_wifi_set_config(WIFI_IF_STA, &config);
    esp_wifi_connect();
}

/* Beside the station, so that nights go on being sent meanwhile. */
void esp32_wifi_open_access_point(const char *name, const char *password) {
    wifi_config_t config = {0};
    config.ap.ssid_len = (uint8_t)strnlen(name, sizeof config.ap.ssid);
    memcpy(config.ap.ssid, name, config.ap.ssid_len);
    memcpy(config.ap.password, password, strnlen(password, sizeof config.ap.password));
    config.ap.max_connection = 1;
    config.ap.authmode = WIFI_AUTH_WPA2_PSK;
    start_radio();
    esp_wifi_set_mode(WIFI_MODE_APSTA);
    esp_wifi_set_config(WIFI_IF_AP, &config);
}

void esp32_wifi_close_access_point(void) { esp_wifi_set_mode(WIFI_MODE_STA); }
