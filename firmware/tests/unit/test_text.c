#include <string.h>

#include "../check.h"
#include "noctis/backoff.h"
#include "noctis/base64.h"
#include "noctis/json_emit.h"
#include "noctis/json_scan.h"
#include "noctis/sha256.h"
#include "noctis/token.h"
#include "suites.h"

static bool is_base64(const char *bytes, const char *padded, const char *for_url) {
    char text[32] = {0}, url[32] = {0};
    size_t length = base64_encode((const uint8_t *)bytes, strlen(bytes), text);
    base64url_encode((const uint8_t *)bytes, strlen(bytes), url);
    return strcmp(text, padded) == 0 && strcmp(url, for_url) == 0 &&
           length == BASE64_CHARACTERS(strlen(bytes));
}

static void base64_is_rfc_4648s(void) {
    CHECK(is_base64("", "", ""));
    CHECK(is_base64("f", "Zg==", "Zg"));
    CHECK(is_base64("fo", "Zm8=", "Zm8"));
    CHECK(is_base64("foo", "Zm9v", "Zm9v"));
    CHECK(is_base64("\xfb\xff\xbf", "+/+/", "-_-_"));
}

static void json_is_written_with_escapes_and_commas(void) {
    char text[200];
    json_text json;
    json_start(&json, text, sizeof text);
    json_open(&json);
    json_key(&json, "a\"\\\n");
    json_string(&json, "b");
    json_key(&json, "n");
    json_integer(&json, INT64_MIN);
    json_key(&json, "o");
    json_open(&json);
    json_key(&json, "t");
    json_boolean(&json, true);
    json_close(&json);
    json_key(&json, "f");
    json_boolean(&json, false);
    json_key(&json, "at");
    json_instant(&json, 1763676870042);
    json_close(&json);
    CHECK(strcmp(text, "{\"a\\\"\\\\\\u000a\":\"b\",\"n\":-9223372036854775808,\"o\":{\"t\":true},"
                       "\"f\":false,\"at\":\"2025-11-20T22:14:30.042Z\"}") == 0);
    CHECK(!json.is_overflown && json.length == strlen(text));
}

static void json_that_does_not_fit_says_so(void) {
    char text[8];
    json_text json;
    json_start(&json, text, sizeof text);
    json_string(&json, "12345");
    CHECK(!json.is_overflown);
    json_integer(&json, 1);
    CHECK(json.is_overflown && strlen(text) == 7);
}

static const char answer[] =
    "{\"type\": \"x\", \"nested\": {\"code\": \"inner\", \"n\": 1}, \"list\": [{\"epoch_index\": 3},"
    "{\"epoch_index\" :-4}, {\"epoch_index\": \"5\"}, {\"epoch_index\": 6}], \"q\\\"\": \"\\\\\","
    "\"code\" : \"outer\", \"n\":42}";

static void members_are_found_at_the_outermost_depth(void) {
    char value[8];
    int64_t number;
    size_t length = strlen(answer);
    CHECK(json_find_string(answer, length, "code", value, sizeof value) && !strcmp(value, "outer"));
    CHECK(json_find_integer(answer, length, "n", &number) && number == 42);
    CHECK(!json_find_string(answer, length, "absent", value, sizeof value));
    CHECK(!json_find_string(answer, length, "n", value, sizeof value));
    CHECK(!json_find_integer(answer, length, "code", &number));
    CHECK(!json_find_string(answer, length, "code", value, 5));
    CHECK(!json_find_integer("{\"n\":1234567890123456789}", 25, "n", &number));
}

static void repeated_members_are_found_at_any_depth(void) {
    json_cursor cursor = {answer, strlen(answer), 0};
    int64_t number;
    CHECK(json_next_integer(&cursor, "epoch_index", &number) && number == 3);
    CHECK(json_next_integer(&cursor, "epoch_index", &number) && number == -4);
    CHECK(json_next_integer(&cursor, "epoch_index", &number) && number == 6);
    CHECK(!json_next_integer(&cursor, "epoch_index", &number));
}

static void half_an_answer_is_read_no_further_than_it_goes(void) {
    char value[8];
    int64_t number;
    for (size_t length = 0; length < strlen(answer); length++) {
        CHECK(!json_find_integer(answer, length, "n", &number) || number == 42);
        CHECK(!json_find_string(answer, length, "code", value, sizeof value) || !strcmp(value, "outer"));
    }
    CHECK(!json_find_integer("{\"n\":4", 6, "n", &number)); /* could have been 42 */
}

static void waiting_is_jittered_and_bounded(void) {
    CHECK_EQUAL(backoff_ms(0, 0), 0);
    CHECK_EQUAL(backoff_ms(0, UINT32_MAX), 2000);
    CHECK_EQUAL(backoff_ms(3, UINT32_MAX), 16000);
    CHECK_EQUAL(backoff_ms(8, UINT32_MAX), 512000);
    CHECK_EQUAL(backoff_ms(9, UINT32_MAX), 900000);
    CHECK_EQUAL(backoff_ms(4000000000u, UINT32_MAX), 900000);
    CHECK_EQUAL(backoff_ms(9, 0x80000000), 450000);
    CHECK_EQUAL(backoff_asked_ms(10, 0), 10000);
    CHECK_EQUAL(backoff_asked_ms(10, UINT32_MAX), 15000);
    CHECK_EQUAL(backoff_asked_ms(1, UINT32_MAX), 2000);
    CHECK_EQUAL(backoff_asked_ms(UINT32_MAX, 0), 86400000);
}

static bool is_digest(const char *text, size_t repeat, const char *hex) {
    sha256 hash;
    uint8_t digest[SHA256_BYTES];
    char got[2 * SHA256_BYTES + 1];
    sha256_init(&hash);
    for (size_t i = 0; i < repeat; i++) {
        sha256_add(&hash, text, strlen(text));
    }
    sha256_end(&hash, digest);
    for (int i = 0; i < SHA256_BYTES; i++) {
        snprintf(got + 2 * i, 3, "%02x", digest[i]);
    }
    return strcmp(got, hex) == 0;
}

static void sha_256_is_the_standards(void) {
    CHECK(is_digest("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    CHECK(is_digest("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    CHECK(is_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
    CHECK(is_digest("a", 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"));
}

static bool sign_ok;

static bool sign(void *context, const uint8_t digest[SHA256_BYTES],
                 uint8_t signature[TOKEN_SIGNATURE_BYTES]) {
    (void)context;
    memset(signature, digest[0] ? 0 : 1, TOKEN_SIGNATURE_BYTES);
    return sign_ok;
}

static void a_token_names_the_device_and_its_end(void) {
    device_config config = {.key_id = "k1", .client_id = "c", .tenant_id = "t"};
    token_signer signer = {NULL, sign};
    char token[TOKEN_BYTES];
    sign_ok = true;
    CHECK(token_make(&config, &signer, 1763676870042, token));
    const char *wanted = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImsxIn0.";
    CHECK(strncmp(token, wanted, strlen(wanted)) == 0);
    CHECK_EQUAL(strlen(strrchr(token, '.')), 1 + 86);
    sign_ok = false;
    CHECK(!token_make(&config, &signer, 1763676870042, token));
    sign_ok = true;
    memset(config.client_id, '"', sizeof config.client_id - 1);
    memset(config.tenant_id, 1, sizeof config.tenant_id - 1);
    CHECK(!token_make(&config, &signer, 1763676870042, token));
    memset(config.key_id, 1, sizeof config.key_id - 1);
    CHECK(!token_make(&config, &signer, 1763676870042, token));
}

void text_suite(void) {
    RUN(base64_is_rfc_4648s);
    RUN(json_is_written_with_escapes_and_commas);
    RUN(json_that_does_not_fit_says_so);
    RUN(members_are_found_at_the_outermost_depth);
    RUN(repeated_members_are_found_at_any_depth);
    RUN(half_an_answer_is_read_no_further_than_it_goes);
    RUN(waiting_is_jittered_and_bounded);
    RUN(sha_256_is_the_standards);
    RUN(a_token_names_the_device_and_its_end);
}
