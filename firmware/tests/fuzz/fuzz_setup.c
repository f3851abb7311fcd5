/* What a phone, or somebody near, sends to the set-up access point: requests, forms, name lookups. */
#include <stdlib.h>
#include <string.h>

#include "noctis/setup_form.h"
#include "noctis/setup_point.h"

static void submit(const char *body, size_t length) {
    device_config config;
    memset(&config, 0, sizeof config);
    if (setup_read_form(body, length, false, &config).fault == SETUP_OK &&
        config_check(&config, false) != CONFIG_OK) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static setup_reader reader;
    uint8_t answer[512], us[4] = {192, 168, 4, 1};
    if (size > 0 && bytes[0] == 0) {
        (void)setup_answer_name(bytes + 1, size - 1, us, answer, sizeof answer);
        return 0;
    }
    if (size > 0 && bytes[0] == '=') {
        submit((const char *)bytes + 1, size - 1);
        return 0;
    }
    reader.length = 0;
    for (size_t at = 0; at < size;) {
        size_t part = size - at < 100 ? size - at : 100;
        setup_request asked = setup_take(&reader, (const char *)bytes + at, part);
        at += part;
        if (asked == SETUP_SAVE) {
            submit(reader.body, reader.body_length);
        }
        if (asked != SETUP_NEEDS_MORE) {
            break;
        }
    }
    return 0;
}
