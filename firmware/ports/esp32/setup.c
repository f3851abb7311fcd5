/* The set-up access point: a task of its own of the lowest priority, so nothing else ever waits for
 * a phone. What is asked and typed is judged in the core; here are sockets and the button. */
#include <string.h>

#include "driver/gpio.h"
#include "esp32_port.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "lwip/sockets.h"
#include "noctis/setup_form.h"

#define LOOK_EVERY_MS 20
#define PHONE_TIMEOUT_S 3
#define DNS_PORT 53
#define HTTP_PORT 80
#define DNS_BYTES 512
#define NETWORK_NAME "noctis-setup"

static const uint8_t our_address[4] = {192, 168, 4, 1};
static setup_reader reader;

static void close_if_open(int handle) {
    if (handle >= 0) {
        close(handle);
    }
}

static int listen_on(int kind, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int handle = socket(AF_INET, kind, 0);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    bool is_bound = handle >= 0 && bind(handle, (struct sockaddr *)&address, sizeof address) == 0 &&
                    (kind == SOCK_DGRAM || listen(handle, 1) == 0);
    if (!is_bound) {
        close_if_open(handle);
    }
    return is_bound ? handle : -1;
}

static void answer_name(int names) {
    uint8_t query[DNS_BYTES], answer[DNS_BYTES];
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    ssize_t length = recvfrom(names, query, sizeof query, 0, (struct sockaddr *)&from, &from_length);
    size_t told = length <= 0 ? 0
                              : setup_answer_name(query, (size_t)length, our_address, answer,
                                                  sizeof answer);
    if (told > 0) {
        sendto(names, answer, told, 0, (struct sockaddr *)&from, from_length);
    }
}

static void say(int phone, const char *status, const char *type, const char *text) {
    static const char *const parts[] = {"\r\nConnection: close\r\nCache-Control: no-store\r\n"
                                        "X-Frame-Options: DENY\r\nContent-Type: ",
                                        "\r\n\r\n"};
    const char *const whole[] = {"HTTP/1.1 ", status, parts[0], type, parts[1], text};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        if (send(phone, whole[i], strlen(whole[i]), 0) < 0) {
            return;
        }
    }
}

/* True: the configuration is new and durable. */
static bool save(app *device, int phone) {
    device_config config = device->config;
    setup_verdict verdict = setup_read_form(reader.body, reader.body_length,
                                            device->start.allows_plain_http, &config);
    bool is_saved = verdict.fault == SETUP_OK && app_configure(device, &config);
    if (verdict.fault == SETUP_OK && !is_saved) {
        say(phone, "500 Not saved", "text/plain", "The device could not keep it. Try again.");
        return false;
    }
    char text[160] = {0};
    if (verdict.field != NULL) {
        strncat(text, verdict.field, sizeof text - 1);
        strncat(text, ": ", sizeof text - strlen(text) - 1);
    }
    strncat(text, setup_says(verdict.fault), sizeof text - strlen(text) - 1);
    say(phone, is_saved ? "200 OK" : "422 Not saved", "text/plain", text);
    return is_saved;
}

static bool serve(app *device, int phone) {
    char part[256], pem[SETUP_PEM_BYTES];
    setup_request asked = SETUP_NEEDS_MORE;
    const struct timeval patience = {.tv_sec = PHONE_TIMEOUT_S};
    setsockopt(phone, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(phone, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    reader.length = 0;
    while (asked == SETUP_NEEDS_MORE) {
        ssize_t length = recv(phone, part, sizeof part, 0);
        asked = length <= 0 ? SETUP_REFUSE : setup_take(&reader, part, (size_t)length);
    }
    if (asked == SETUP_SAVE) {
        return save(device, phone);
    }
    if (asked == SETUP_SHOW_KEY && esp32_key_public(pem, sizeof pem) > 0) {
        say(phone, "200 OK", "application/x-pem-file", pem);
    } else if (asked == SETUP_SHOW) {
        say(phone, "200 OK", "text/html", setup_page);
    } else {
        say(phone, "400 Refused", "text/plain", "This is no request of the set-up page.");
    }
    return false;
}

static bool look(app *device, int names, int pages) {
    struct timeval patience = {.tv_usec = LOOK_EVERY_MS * 1000};
    fd_set ready;
    FD_ZERO(&ready);
    FD_SET(names, &ready);
    FD_SET(pages, &ready);
    if (select((names > pages ? names : pages) + 1, &ready, NULL, NULL, &patience) <= 0) {
        return false;
    }
    if (FD_ISSET(names, &ready)) {
        answer_name(names);
    }
    if (!FD_ISSET(pages, &ready)) {
        return false;
    }
    int phone = accept(pages, NULL, NULL);
    bool is_saved = phone >= 0 && serve(device, phone);
    close_if_open(phone);
    return is_saved;
}

static bool is_pressed(void) { return gpio_get_level(PIN_BUTTON) == 0; }

static void open_until_done(app *device, setup_window *window) {
    char password[SETUP_PASSWORD_LETTERS + 1];
    if (!esp32_key_setup_password(password)) {
        return; /* never an open network */
    }
    esp32_wifi_open_access_point(NETWORK_NAME, password);
    int names = listen_on(SOCK_DGRAM, DNS_PORT), pages = listen_on(SOCK_STREAM, HTTP_PORT);
    bool is_saved = false;
    device->is_setting_up = true;
    while (names >= 0 && pages >= 0 && !is_saved &&
           setup_window_step(window, is_pressed(), esp32_mono_ms(NULL))) {
        is_saved = look(device, names, pages);
    }
    device->is_setting_up = false;
    close_if_open(names);
    close_if_open(pages);
    esp32_wifi_close_access_point();
    if (is_saved) {
        esp32_reboot(NULL, BOOT_ASKED);
    }
    window->is_open = false;
}

void esp32_setup_run(app *device) {
    setup_window window;
    gpio_set_direction(PIN_BUTTON, GPIO_MODE_INPUT);
    setup_window_init(&window, esp32_mono_ms(NULL));
    for (;;) {
        if (setup_window_step(&window, is_pressed(), esp32_mono_ms(NULL))) {
            open_until_done(device, &window);
        }
        vTaskDelay(pdMS_TO_TICKS(LOOK_EVERY_MS));
    }
}
