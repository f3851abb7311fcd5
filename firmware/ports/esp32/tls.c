/* HTTPS with the certificate bundle; bodies are streamed, answers are cut to the core's buffer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "esp32_port.h"
#include "esp_crt_bundle.h"
#include "esp_http_client.h"
#include "noctis/clock_sync.h"

#define URL_BYTES 192
#define CHUNK 512
#define BEARER_BYTES (TOKEN_BYTES + 8)

static const char *base_url;

void esp32_tls_start(const char *server_url) { base_url = server_url; }

static esp_err_t on_header(esp_http_client_event_t *event) {
    http_answer *answer = event->user_data;
    if (event->event_id == HTTP_EVENT_ON_HEADER) {
        if (strcasecmp(event->header_key, "Retry-After") == 0) {
            answer->retry_after_s = (uint32_t)strtoul(event->header_value, NULL, 10);
        } else if (strcasecmp(event->header_key, "Date") == 0) {
            http_date_decode(event->header_value, strlen(event->header_value), &answer->date_ms);
        }
    }
    return ESP_OK;
}

static bool send_body(esp_http_client_handle_t client, const http_request *request) {
    char chunk[CHUNK];
    for (size_t done = 0; done < request->length;) {
        size_t part = request->body(request->source, done, chunk, sizeof chunk);
        if (part == 0 || esp_http_client_write(client, chunk, (int)part) != (int)part) {
            return false;
        }
        done += part;
    }
    return true;
}

void esp32_http_post(void *context, const http_request *request, http_answer *answer) {
    (void)context;
    static char url[URL_BYTES], bearer[BEARER_BYTES];
    if (!esp32_wifi_is_up()) {
        return;
    }
    snprintf(url, sizeof url, "%s%s", base_url, request->path);
    const esp_http_client_config_t config = {.url = url,
                                             .method = HTTP_METHOD_POST,
                                             .timeout_ms = (int)request->deadline_ms,
                                             .crt_bundle_attach = esp_crt_bundle_attach,
                                             .disable_auto_redirect = true,
                                             .event_handler = on_header,
                                             .user_data = answer};
    esp_http_client_handle_t client = esp_http_client_init(&config);
    esp_http_client_set_header(client, "Content-Type", "application/json");
    if (request->token != NULL) {
        snprintf(bearer, sizeof bearer, "Bearer %s", request->token);
        esp_http_client_set_header(client, "Authorization", bearer);
    }
    if (esp_http_client_open(client, (int)request->length) == ESP_OK && send_body(client, request) &&
        esp_http_client_fetch_headers(client) >= 0) {
        int length = esp_http_client_read_response(client, answer->body, (int)answer->size);
        answer->length = length > 0 ? (size_t)length : 0;
        answer->status = esp_http_client_get_status_code(client);
    }
    esp_http_client_cleanup(client);
}
