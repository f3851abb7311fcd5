#include <string.h>

#include "../check.h"
#include "noctis/setup_form.h"
#include "noctis/setup_point.h"
#include "suites.h"

#define CLIENT "5d2c1e0a-8f3b-4b77-9a21-6f0e4d1c2b3a"
#define TENANT "0B9F7C52-1d3e-4a6f-8c2b-7e5d4c3b2a10"
#define FORM                                                                                       \
    "wifi_name=ward+3%C3%A9&wifi_secret=moth%26lantern&server_url=https%3A%2F%2Fnoctis.example"    \
    "&external_id=NB-0042&key_id=k-1&client_id=" CLIENT "&tenant_id=" TENANT "&time_zone="

static device_config config;

static setup_verdict read_form(const char *body) {
    return setup_read_form(body, strlen(body), false, &config);
}

static void start(void) {
    memset(&config, 0, sizeof config);
    CHECK_EQUAL(read_form(FORM).fault, SETUP_OK);
}

static void a_form_becomes_a_configuration(void) {
    start();
    CHECK_EQUAL(config_check(&config, false), CONFIG_OK);
    CHECK(strcmp(config.wifi_name, "ward 3\xC3\xA9") == 0);
    CHECK(strcmp(config.wifi_secret, "moth&lantern") == 0);
    CHECK(strcmp(config.server_url, "https://noctis.example") == 0);
    CHECK(strcmp(config.tenant_id, TENANT) == 0 && config.time_zone[0] == 0);
}

static void what_is_left_empty_stays(void) {
    start();
    CHECK_EQUAL(read_form("wifi_name=attic&wifi_secret=").fault, SETUP_OK);
    CHECK(strcmp(config.wifi_name, "attic") == 0);
    CHECK(strcmp(config.wifi_secret, "moth&lantern") == 0);
    CHECK_EQUAL(read_form("").fault, SETUP_OK);
}

typedef struct {
    const char *body, *field;
    setup_fault fault;
} wrong;

static void one_bad_field_changes_nothing(void) {
    static const wrong forms[] = {
        {"wifi_name", NULL, SETUP_BAD_FORM},
        {"&", NULL, SETUP_BAD_FORM},
        {"role=admin", NULL, SETUP_UNKNOWN_FIELD},
        {"WIFI_NAME=x", NULL, SETUP_UNKNOWN_FIELD},
        {"wifi_nam=x", NULL, SETUP_UNKNOWN_FIELD},
        {"key_id=a&key_id=b", "key_id", SETUP_REPEATED_FIELD},
        {"key_id=&key_id=b", "key_id", SETUP_REPEATED_FIELD},
        {"key_id=%", "key_id", SETUP_BAD_TEXT},
        {"key_id=a%4", "key_id", SETUP_BAD_TEXT},
        {"key_id=%4g", "key_id", SETUP_BAD_TEXT},
        {"key_id=a%00b", "key_id", SETUP_BAD_TEXT},
        {"key_id=a%0D%0Ab", "key_id", SETUP_BAD_TEXT},
        {"key_id=%7f", "key_id", SETUP_BAD_TEXT},
        {"wifi_secret=1234567", "wifi_secret", SETUP_TOO_SHORT},
        {"wifi_name=123456789012345678901234567890123", "wifi_name", SETUP_TOO_LONG},
        {"key_id=1234567890123456789012345678901234567890", "key_id", SETUP_TOO_LONG},
        {"client_id=5d2c1e0a", "client_id", SETUP_NO_UUID},
        {"client_id=5d2c1e0a-8f3b-4b77-9a21-6f0e4d1c2b3g", "client_id", SETUP_NO_UUID},
        {"client_id=5d2c1e0a08f3b-4b77-9a21-6f0e4d1c2b3a", "client_id", SETUP_NO_UUID},
        {"server_url=http://noctis.example", "server_url", SETUP_PLAIN_HTTP},
        {"server_url=ftp://noctis.example", "server_url", SETUP_BAD_URL},
        {"server_url=https://a.example/x", "server_url", SETUP_BAD_URL},
        {"server_url=https://a@b.example", "server_url", SETUP_BAD_URL},
        {"server_url=https://:8443xxx", "server_url", SETUP_BAD_URL},
        {"server_url=https://a.example:", "server_url", SETUP_BAD_URL},
        {"server_url=https://a.example:123456", "server_url", SETUP_BAD_URL},
        {"server_url=noctis.example", "server_url", SETUP_BAD_URL},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        start();
        device_config before = config;
        char body[400];
        snprintf(body, sizeof body, "wifi_name=attic&%s", forms[i].body);
        bool is_name = strncmp(forms[i].body, "wifi_name=", 10) == 0;
        setup_verdict verdict = read_form(is_name ? forms[i].body : body);
        CHECK_EQUAL(verdict.fault, forms[i].fault);
        CHECK((verdict.field == NULL && forms[i].field == NULL) ||
              (verdict.field != NULL && strcmp(verdict.field, forms[i].field) == 0));
        CHECK(memcmp(&before, &config, sizeof config) == 0);
        CHECK(strlen(setup_says(verdict.fault)) > 10);
    }
    CHECK(setup_says(SETUP_FAULTS)[0] == 0);
}

static void the_longest_value_of_each_field_fits(void) {
    char body[200] = "wifi_secret=", value[64] = {0};
    start();
    memset(value, 'x', CONFIG_SECRET_BYTES - 1);
    strcat(body, value);
    CHECK_EQUAL(read_form(body).fault, SETUP_OK);
    CHECK(strcmp(config.wifi_secret, value) == 0);
    CHECK_EQUAL(read_form("server_url=https://10.0.0.7:8443").fault, SETUP_OK);
    CHECK_EQUAL(read_form("wifi_name=12345678901234567890123456789012").fault, SETUP_OK);
}

static void the_first_set_up_needs_everything(void) {
    for (size_t i = 0; strcmp(setup_field(i), "time_zone") != 0; i++) {
        memset(&config, 0, sizeof config);
        char body[] = FORM, *at = strstr(body, setup_field(i));
        char *end = strchr(at, '&') + 1;
        memmove(at, end, strlen(end) + 1);
        setup_verdict verdict = read_form(body);
        CHECK_EQUAL(verdict.fault, SETUP_MISSING);
        CHECK(strcmp(verdict.field, setup_field(i)) == 0);
    }
}

static void a_development_build_may_talk_plainly(void) {
    const char *body = "server_url=http://10.0.0.7:8000";
    start();
    CHECK_EQUAL(setup_read_form(body, strlen(body), true, &config).fault, SETUP_OK);
}

static void the_page_has_an_input_for_each_field(void) {
    char input[60];
    for (size_t i = 0; setup_field(i) != NULL; i++) {
        snprintf(input, sizeof input, "<input name=%s ", setup_field(i));
        CHECK(strstr(setup_page, input) != NULL);
    }
}

static void the_button_opens_it_for_ten_minutes(void) {
    setup_window window;
    setup_window_init(&window, 1000);
    CHECK(!setup_window_step(&window, true, 2000)); /* held since the boot */
    CHECK(!setup_window_step(&window, false, 2100));
    CHECK(!setup_window_step(&window, false, 2150));
    CHECK(!setup_window_step(&window, true, 3000));
    CHECK(!setup_window_step(&window, false, 3020)); /* a spark, no press */
    CHECK(!setup_window_step(&window, false, 3100));
    CHECK(!setup_window_step(&window, true, 4000));
    CHECK(setup_window_step(&window, true, 4000 + SETUP_DEBOUNCE_MS));
    CHECK(setup_window_step(&window, true, 4049 + SETUP_OPEN_MS));
    CHECK(!setup_window_step(&window, true, 4050 + SETUP_OPEN_MS)); /* it sticks: once */
    CHECK(!setup_window_step(&window, true, 9000 + 2 * SETUP_OPEN_MS));
}

static void a_password_is_twelve_letters_that_nobody_mistakes(void) {
    uint8_t random[SETUP_PASSWORD_LETTERS];
    char password[SETUP_PASSWORD_LETTERS + 1];
    for (int i = 0; i < SETUP_PASSWORD_LETTERS; i++) {
        random[i] = (uint8_t)(i * 23);
    }
    setup_password(random, password);
    CHECK_EQUAL(strlen(password), SETUP_PASSWORD_LETTERS);
    CHECK_EQUAL(strcspn(password, "lo01"), SETUP_PASSWORD_LETTERS);
    CHECK(password[0] == 'a' && password[1] == 'z');
}

/* Made by another library of the scalar 12345. */
static void a_public_key_is_shown_as_pem(void) {
    static const uint8_t point[SETUP_POINT_BYTES] = {
        0x04, 0x26, 0xef, 0xce, 0xbd, 0x0e, 0xe9, 0xe3, 0x4a, 0x66, 0x91, 0x87, 0xe1,
        0x8b, 0x3a, 0x91, 0x22, 0xb2, 0xf7, 0x33, 0x94, 0x5b, 0x64, 0x9c, 0xc9, 0xf9,
        0xf9, 0x21, 0xe9, 0xf9, 0xda, 0xd8, 0x12, 0x90, 0x23, 0x8b, 0xde, 0x9c, 0xc7,
        0xbb, 0x33, 0x0d, 0x15, 0x0c, 0x67, 0x70, 0x4d, 0xd2, 0x5a, 0xe7, 0x05, 0x52,
        0x05, 0x74, 0x4b, 0x6f, 0x31, 0xbf, 0x40, 0x70, 0x74, 0x58, 0x72, 0xd0, 0xe6};
    char pem[SETUP_PEM_BYTES];
    CHECK_EQUAL(setup_pem(point, pem), strlen(pem));
    CHECK(strcmp(pem, "-----BEGIN PUBLIC KEY-----\n"
                      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJu/OvQ7p40pmkYfhizqRIrL3M5Rb\n"
                      "ZJzJ+fkh6fna2BKQI4venMe7Mw0VDGdwTdJa5wVSBXRLbzG/QHB0WHLQ5g==\n"
                      "-----END PUBLIC KEY-----\n") == 0);
}

static setup_reader reader;

static setup_request take(const char *text) {
    memset(&reader, 0, sizeof reader);
    return setup_take(&reader, text, strlen(text));
}

#define SAVE(headers, body)                                                                        \
    "POST /save HTTP/1.1\r\nHost: 192.168.4.1\r\n" headers                                         \
    "Content-Type: application/x-www-form-urlencoded\r\n\r\n" body

static void requests_are_told_apart(void) {
    CHECK_EQUAL(take("GET /generate_204 HTTP/1.1\r\nHost: a.example\r\n\r\n"), SETUP_SHOW);
    CHECK_EQUAL(take("GET /device.pem HTTP/1.1\r\n\r\n"), SETUP_SHOW_KEY);
    CHECK_EQUAL(take("HEAD / HTTP/1.1\r\n\r\n"), SETUP_REFUSE);
    CHECK_EQUAL(take("GET"), SETUP_NEEDS_MORE);
    CHECK_EQUAL(take(SAVE("Content-Length: 11\r\n", "wifi_name=a")), SETUP_SAVE);
    CHECK(reader.body_length == 11 && memcmp(reader.body, "wifi_name=a", 11) == 0);
    CHECK_EQUAL(take(SAVE("content-LENGTH:   3\r\nOrigin: http://192.168.4.1\r\n", "a=b")), SETUP_SAVE);
}

static void a_request_may_come_byte_by_byte(void) {
    const char *text = SAVE("Content-Length: 3\r\n", "a=b");
    memset(&reader, 0, sizeof reader);
    for (size_t i = 0; i + 1 < strlen(text); i++) {
        CHECK_EQUAL(setup_take(&reader, text + i, 1), SETUP_NEEDS_MORE);
    }
    CHECK_EQUAL(setup_take(&reader, "b", 1), SETUP_SAVE);
}

static void a_request_that_is_not_our_pages_is_refused(void) {
    static const char *const requests[] = {
        SAVE("", "a=b"),
        SAVE("Content-Length: \r\n", ""),
        SAVE("Content-Length: -1\r\n", ""),
        SAVE("Content-Length: 3x\r\n", "a=b"),
        SAVE("Content-Length: 1537\r\n", ""),
        SAVE("Content-Length: 99999999999999999999\r\n", ""),
        SAVE("Content-Length: 3\r\nContent-Length: 3\r\n", "a=b"),
        SAVE("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "a=b"),
        SAVE("Content-Length: 3\r\nOrigin: http://evil.example\r\n", "a=b"),
        SAVE("Content-Length: 3\r\nHost: evil.example\r\n", "a=b"),
        SAVE("Content-Length: 2\r\n", "a=b"),
        "POST /save HTTP/1.1\r\nHost: 192.168.4.1\r\nContent-Length: 3\r\n"
        "Content-Type: text/plain\r\n\r\na=b",
        "POST /save HTTP/1.1\r\nHost: 192.168.4.1.evil.example\r\nContent-Length: 3\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\na=b",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        CHECK_EQUAL(take(requests[i]), SETUP_REFUSE);
    }
}

static void a_request_without_end_is_refused(void) {
    char byte = 'x';
    setup_request answer = SETUP_NEEDS_MORE;
    memset(&reader, 0, sizeof reader);
    size_t count = 0;
    while (answer == SETUP_NEEDS_MORE && count < 2 * SETUP_REQUEST_BYTES) {
        answer = setup_take(&reader, &byte, 1);
        count++;
    }
    CHECK_EQUAL(answer, SETUP_REFUSE);
    CHECK_EQUAL(count, SETUP_REQUEST_BYTES);
    CHECK_EQUAL(setup_take(&reader, &byte, 1), SETUP_REFUSE);
    CHECK_EQUAL(take(SAVE("Content-Length: 1536\r\n", "")), SETUP_NEEDS_MORE);
}

/* `a.de`, type A, class IN. */
static const uint8_t query[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                                1, 'a', 2, 'd', 'e', 0, 0, 1, 0, 1};
static const uint8_t us[4] = {192, 168, 4, 1};

static void every_name_is_this_box(void) {
    uint8_t answer[64];
    size_t length = setup_answer_name(query, sizeof query, us, answer, sizeof answer);
    CHECK_EQUAL(length, sizeof query + 16);
    CHECK(answer[0] == 0x12 && answer[2] == 0x85 && answer[7] == 1);
    CHECK(memcmp(answer + 12, query + 12, sizeof query - 12) == 0);
    CHECK(memcmp(answer + length - 4, us, 4) == 0);
    uint8_t for_ipv6[sizeof query];
    memcpy(for_ipv6, query, sizeof query);
    for_ipv6[sizeof query - 3] = 28;
    CHECK_EQUAL(setup_answer_name(for_ipv6, sizeof query, us, answer, sizeof answer), sizeof query);
    CHECK_EQUAL(answer[7], 0);
}

static void what_is_no_lookup_gets_no_answer(void) {
    uint8_t answer[64], other[sizeof query];
    for (size_t length = 0; length < sizeof query; length++) {
        CHECK_EQUAL(setup_answer_name(query, length, us, answer, sizeof answer), 0);
    }
    CHECK_EQUAL(setup_answer_name(query, sizeof query, us, answer, sizeof query + 15), 0);
    static const struct {
        int at;
        uint8_t value;
    } changes[] = {{2, 0x80}, {2, 0x28}, {5, 2}, {5, 0}, {12, 0xC0}, {12, 63}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        memcpy(other, query, sizeof query);
        other[changes[i].at] = changes[i].value;
        CHECK_EQUAL(setup_answer_name(other, sizeof other, us, answer, sizeof answer), 0);
    }
}

void setup_suite(void) {
    RUN(a_form_becomes_a_configuration);
    RUN(what_is_left_empty_stays);
    RUN(one_bad_field_changes_nothing);
    RUN(the_longest_value_of_each_field_fits);
    RUN(the_first_set_up_needs_everything);
    RUN(a_development_build_may_talk_plainly);
    RUN(the_page_has_an_input_for_each_field);
    RUN(the_button_opens_it_for_ten_minutes);
    RUN(a_password_is_twelve_letters_that_nobody_mistakes);
    RUN(a_public_key_is_shown_as_pem);
    RUN(requests_are_told_apart);
    RUN(a_request_may_come_byte_by_byte);
    RUN(a_request_that_is_not_our_pages_is_refused);
    RUN(a_request_without_end_is_refused);
    RUN(every_name_is_this_box);
    RUN(what_is_no_lookup_gets_no_answer);
}
