#include <string.h>

#include "../check.h"
#include "noctis/config.h"
#include "nor_ram.h"
#include "suites.h"

static nor_ram flash;

static void the_newest_of_two_copies_is_read(void) {
    two_copies store;
    uint32_t value = 0;
    nor_ram_init(&flash, 3, 1);
    CHECK(!two_copies_load(&store, &flash.nor, 1, &value, sizeof value));
    for (uint32_t i = 1; i < 6; i++) {
        CHECK(two_copies_save(&store, &i, sizeof i));
        CHECK(two_copies_load(&store, &flash.nor, 1, &value, sizeof value));
        CHECK_EQUAL(value, i);
    }
    CHECK_EQUAL(flash.erases[0], 0);
    CHECK(!two_copies_load(&store, &flash.nor, 1, &value, sizeof value - 1)); /* another length */
    nor_ram_free(&flash);
}

static void a_spoilt_copy_leaves_the_other(void) {
    two_copies store;
    uint32_t value = 1, next = 2;
    nor_ram_init(&flash, 2, 1);
    two_copies_load(&store, &flash.nor, 0, &value, sizeof value);
    value = 1;
    CHECK(two_copies_save(&store, &value, sizeof value));
    CHECK(two_copies_save(&store, &next, sizeof next));
    flash.cells[store.newest * NOR_SECTOR_BYTES + NOR_PAGE_BYTES] ^= 1;
    CHECK(two_copies_load(&store, &flash.nor, 0, &value, sizeof value));
    CHECK_EQUAL(value, 1);
    nor_ram_free(&flash);
}

static void what_is_too_long_or_does_not_hold_is_refused(void) {
    static uint8_t bytes[STORE_MOST_BYTES + 1];
    two_copies store;
    nor_ram_init(&flash, 2, 1);
    two_copies_load(&store, &flash.nor, 0, bytes, 10);
    CHECK(!two_copies_save(&store, bytes, sizeof bytes));
    CHECK(two_copies_save(&store, bytes, STORE_MOST_BYTES));
    flash.silent_per_65536 = 65536;
    CHECK(!two_copies_save(&store, bytes, STORE_MOST_BYTES));
    flash.silent_per_65536 = 0;
    for (uint64_t cut = 0; cut < 11; cut++) {
        flash.cut_at = flash.operations + cut;
        CHECK(!two_copies_save(&store, bytes, STORE_MOST_BYTES) || cut >= 10);
        nor_ram_power_on(&flash);
        CHECK(two_copies_load(&store, &flash.nor, 0, bytes, STORE_MOST_BYTES));
    }
    CHECK_EQUAL(flash.page_faults, 0);
    nor_ram_free(&flash);
}

static bool reads_heads_alone(void *context, uint32_t address, void *bytes, size_t length) {
    memcpy(bytes, ((nor_ram *)context)->cells + address, length);
    return address % NOR_SECTOR_BYTES < NOR_PAGE_BYTES;
}

static void a_copy_takes_its_length_and_no_byte_more(void) {
    uint8_t bytes[300], back[300];
    two_copies store;
    nor_ram_init(&flash, 2, 1);
    memset(bytes, 0x5A, sizeof bytes);
    two_copies_load(&store, &flash.nor, 0, back, sizeof back);
    CHECK(two_copies_save(&store, bytes, sizeof bytes));
    CHECK(two_copies_load(&store, &flash.nor, 0, back, sizeof back));
    CHECK(memcmp(bytes, back, sizeof back) == 0);
    for (size_t at = NOR_PAGE_BYTES + sizeof bytes; at < NOR_SECTOR_BYTES; at++) {
        CHECK_EQUAL(flash.cells[at], 0xFF);
    }
    CHECK_EQUAL(flash.page_faults, 0);
    flash.nor.read = reads_heads_alone;
    CHECK(!two_copies_load(&store, &flash.nor, 0, back, sizeof back));
    CHECK_EQUAL(store.version, 0);
    nor_ram_free(&flash);
}

static uint32_t worn_address;
static bool (*honest_program)(void *, uint32_t, const void *, size_t);

static bool programs_all_but_one(void *context, uint32_t address, const void *bytes, size_t length) {
    return address / NOR_SECTOR_BYTES != worn_address / NOR_SECTOR_BYTES &&
           honest_program(context, address, bytes, length);
}

static void a_copy_that_cannot_be_settled_leaves_the_other(void) {
    for (uint32_t saves = 2; saves < 4; saves++) {
        two_copies store;
        uint32_t value = 0, got = 0;
        nor_ram_init(&flash, 2, 1);
        two_copies_load(&store, &flash.nor, 0, &got, sizeof got);
        for (value = 1; value <= saves; value++) {
            CHECK(two_copies_save(&store, &value, sizeof value));
        }
        honest_program = flash.nor.program;
        worn_address = store.newest * NOR_SECTOR_BYTES;
        flash.nor.program = programs_all_but_one;
        CHECK(two_copies_load(&store, &flash.nor, 0, &got, sizeof got));
        CHECK_EQUAL(got, saves - 1);
        nor_ram_free(&flash);
    }
}

/* At each operation, with each tear: the old or the new value is there, and stays there. */
static void a_cut_leaves_the_old_or_the_new(void) {
    for (int tear = 0; tear < TEAR_MODES; tear++) {
        for (uint64_t cut = 0; cut < 8; cut++) {
            for (uint64_t seed = 1; seed < 20; seed++) {
                two_copies store;
                uint32_t old = 41, new = 42, got = 0, again = 0;
                nor_ram_init(&flash, 2, seed);
                two_copies_load(&store, &flash.nor, 0, &got, sizeof got);
                two_copies_save(&store, &new, sizeof new);
                two_copies_save(&store, &old, sizeof old);
                flash.tear = (tear_mode)tear;
                flash.cut_at = flash.operations + cut;
                bool is_saved = two_copies_save(&store, &new, sizeof new);
                nor_ram_power_on(&flash);
                CHECK(two_copies_load(&store, &flash.nor, 0, &got, sizeof got));
                CHECK(got == new || (!is_saved && got == old));
                for (int boots = 0; boots < 4; boots++) {
                    nor_ram_power_on(&flash);
                    CHECK(two_copies_load(&store, &flash.nor, 0, &again, sizeof again));
                    CHECK_EQUAL(again, got);
                }
                nor_ram_free(&flash);
            }
        }
    }
}

static device_config good(void) {
    return (device_config){.format = CONFIG_FORMAT, .server_url = "https://noctis.example",
                           .external_id = "NB-1", .key_id = "k", .client_id = "c", .tenant_id = "t"};
}

static void a_configuration_is_whole_or_refused(void) {
    device_config config = good();
    CHECK_EQUAL(config_check(&config, false), CONFIG_OK);
    config.format = 2;
    CHECK_EQUAL(config_check(&config, false), CONFIG_WRONG_FORMAT);
    config = good();
    strcpy(config.server_url, "http://noctis.example");
    CHECK_EQUAL(config_check(&config, false), CONFIG_PLAIN_HTTP);
    CHECK_EQUAL(config_check(&config, true), CONFIG_OK);
    strcpy(config.server_url, "ftp://noctis.example");
    CHECK_EQUAL(config_check(&config, true), CONFIG_BAD_URL);
    memset(config.server_url, 'h', sizeof config.server_url);
    CHECK_EQUAL(config_check(&config, true), CONFIG_BAD_URL);
    config.server_url[0] = 0;
    CHECK_EQUAL(config_check(&config, true), CONFIG_BAD_URL);
    size_t names[] = {offsetof(device_config, external_id), offsetof(device_config, key_id),
                      offsetof(device_config, client_id), offsetof(device_config, tenant_id)};
    for (int i = 0; i < 4; i++) {
        config = good();
        ((char *)&config)[names[i]] = 0;
        CHECK_EQUAL(config_check(&config, false), CONFIG_NO_IDENTITY);
        memset((char *)&config + names[i], 'x', CONFIG_NAME_BYTES);
        CHECK_EQUAL(config_check(&config, false), CONFIG_NO_IDENTITY);
    }
}

void config_suite(void) {
    RUN(the_newest_of_two_copies_is_read);
    RUN(a_spoilt_copy_leaves_the_other);
    RUN(what_is_too_long_or_does_not_hold_is_refused);
    RUN(a_copy_takes_its_length_and_no_byte_more);
    RUN(a_copy_that_cannot_be_settled_leaves_the_other);
    RUN(a_cut_leaves_the_old_or_the_new);
    RUN(a_configuration_is_whole_or_refused);
}
