#include <string.h>

#include "../check.h"
#include "board.h"
#include "releases.h"
#include "suites.h"

#define STATE_SECTOR 0
#define IMAGE_BYTES 1000

static board box;
static ota update;
static uint8_t manifest[OTA_MANIFEST_BYTES], image[IMAGE_BYTES];

static void sign_manifest(void) { release_sign(manifest); }

static void make_manifest(uint32_t version, uint32_t counter) {
    release_make(manifest, image, IMAGE_BYTES, version, counter);
}

static ota_result boot(void) {
    return ota_boot(&update, &box.port.ota, &box.flash.nor, STATE_SECTOR, box.selected_slot);
}

static void start_box(void) {
    board_init(&box, 1, 3);
    CHECK_EQUAL(boot(), OTA_OK);
    make_manifest(2, 7);
}

static ota_result receive(void) {
    ota_result result = ota_begin(&update, manifest, sizeof manifest);
    for (uint32_t at = 0; at < IMAGE_BYTES && result == OTA_OK; at += 300) {
        uint32_t part = IMAGE_BYTES - at < 300 ? IMAGE_BYTES - at : 300;
        result = ota_write(&update, at, image + at, part);
    }
    return result == OTA_OK ? ota_finish(&update) : result;
}

static const ota_evidence all = {true, true, true};

static void an_update_that_proves_itself_stays(void) {
    start_box();
    CHECK_EQUAL(receive(), OTA_OK);
    CHECK_EQUAL(box.selected_slot, 1);
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_BUSY);
    CHECK_EQUAL(boot(), OTA_OK);
    CHECK_EQUAL(update.state.phase, OTA_TRIAL);
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_BUSY);
    for (int missing = 0; missing < 3; missing++) {
        ota_evidence part = {missing != 0, missing != 1, missing != 2};
        CHECK_EQUAL(ota_confirm(&update, &part), OTA_OK);
        CHECK_EQUAL(update.state.phase, OTA_TRIAL);
    }
    CHECK_EQUAL(update.state.counter, 0);
    CHECK_EQUAL(ota_confirm(&update, &all), OTA_OK);
    CHECK_EQUAL(update.state.counter, 7);
    CHECK_EQUAL(boot(), OTA_OK);
    CHECK(update.state.phase == OTA_IDLE && update.state.active_slot == 1 && update.state.version == 2);
    board_free(&box);
}

static void the_next_update_goes_into_the_other_slot(void) {
    start_box();
    CHECK_EQUAL(receive(), OTA_OK);
    boot();
    CHECK_EQUAL(ota_confirm(&update, &all), OTA_OK);
    make_manifest(3, 7);
    CHECK_EQUAL(receive(), OTA_OK);
    CHECK_EQUAL(box.selected_slot, 0);
    CHECK(memcmp(box.images[0], image, IMAGE_BYTES) == 0);
    CHECK(memcmp(box.images[1], image, IMAGE_BYTES) != 0);
    boot();
    CHECK_EQUAL(ota_confirm(&update, &all), OTA_OK);
    CHECK(update.state.version == 3 && update.state.active_slot == 0 && update.state.counter == 7);
    board_free(&box);
}

static void what_ended_takes_nothing_more(void) {
    start_box();
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_OK);
    manifest[40] ^= 1;
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_BAD_SIGNATURE);
    CHECK_EQUAL(ota_write(&update, 0, image, 1), OTA_WRONG_ORDER);
    manifest[40] ^= 1;
    image[9] ^= 1;
    CHECK_EQUAL(receive(), OTA_WRONG_DIGEST);
    CHECK_EQUAL(ota_finish(&update), OTA_WRONG_ORDER);
    CHECK_EQUAL(ota_write(&update, IMAGE_BYTES, image, 0), OTA_WRONG_ORDER);
    board_free(&box);
}

static void an_update_that_does_not_is_rolled_back(void) {
    start_box();
    CHECK_EQUAL(receive(), OTA_OK);
    for (int i = 0; i < OTA_TRIALS; i++) {
        CHECK_EQUAL(box.selected_slot, 1);
        CHECK_EQUAL(boot(), OTA_OK);
    }
    CHECK_EQUAL(boot(), OTA_OK);
    CHECK_EQUAL(box.selected_slot, 0);
    CHECK_EQUAL(update.state.phase, OTA_ROLLED_BACK);
    CHECK_EQUAL(boot(), OTA_OK);
    CHECK_EQUAL(update.state.counter, 0);
    CHECK_EQUAL(ota_confirm(&update, &all), OTA_OK);
    CHECK_EQUAL(update.state.counter, 0);
    CHECK_EQUAL(receive(), OTA_OK); /* and may be tried again */
    board_free(&box);
}

static void an_image_that_the_boot_loader_refuses_is_given_up(void) {
    start_box();
    CHECK_EQUAL(receive(), OTA_OK);
    for (int i = 0; i < OTA_TRIALS; i++) {
        box.selected_slot = 0; /* it fell back by itself */
        CHECK_EQUAL(boot(), OTA_OK);
        CHECK_EQUAL(box.selected_slot, 1);
        CHECK_EQUAL(update.state.phase, OTA_READY);
    }
    box.selected_slot = 0;
    CHECK_EQUAL(boot(), OTA_OK);
    CHECK_EQUAL(update.state.phase, OTA_ROLLED_BACK);
    box.selected_slot = 1; /* the loader was not told in time */
    CHECK_EQUAL(boot(), OTA_OK);
    CHECK_EQUAL(box.selected_slot, 0);
    board_free(&box);
}

typedef struct {
    int at;
    uint8_t flip;
    bool is_signed_again;
    ota_result wanted;
} tampering;

/* Twenty ways to change a manifest: with the old signature, or properly signed but not for us. */
static void every_tampered_manifest_is_refused(void) {
    static const tampering ways[] = {
        {0, 1, true, OTA_NO_MANIFEST},       {3, 0x80, true, OTA_NO_MANIFEST},
        {4, 3, true, OTA_WRONG_FORMAT},      {5, 1, true, OTA_WRONG_FORMAT},
        {6, 6, true, OTA_OTHER_HARDWARE},    {8, 4 ^ 1, true, OTA_OTHER_HARDWARE},
        {10, 1, true, OTA_WRONG_FORMAT},     {12, 1, false, OTA_BAD_SIGNATURE},
        {16, 4, true, OTA_OLD_COUNTER},      {16, 8, false, OTA_BAD_SIGNATURE},
        {22, 1, true, OTA_BAD_SIZE},         {20, 1, false, OTA_BAD_SIGNATURE},
        {24, 1, true, OTA_OTHER_PRODUCT},    {38, 1, true, OTA_OTHER_PRODUCT},
        {40, 1, false, OTA_BAD_SIGNATURE},   {71, 0x80, false, OTA_BAD_SIGNATURE},
        {72, 1, true, OTA_BAD_SIGNATURE},    {80, 1, true, OTA_WRONG_FORMAT},
        {127, 1, true, OTA_WRONG_FORMAT},    {128, 1, false, OTA_BAD_SIGNATURE},
        {191, 1, false, OTA_BAD_SIGNATURE},  {6, 1, false, OTA_BAD_SIGNATURE},
    };
    start_box();
    update.state.counter = 7;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        make_manifest(2, 7);
        manifest[ways[i].at] ^= ways[i].flip;
        if (ways[i].is_signed_again) {
            sign_manifest();
        }
        CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), ways[i].wanted);
        CHECK_EQUAL(ota_write(&update, 0, image, 1), OTA_WRONG_ORDER);
    }
    make_manifest(2, 7);
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest - 1), OTA_NO_MANIFEST);
    put_le32(manifest + 20, 0);
    sign_manifest();
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_BAD_SIZE);
    put_le32(manifest + 20, BOARD_IMAGE_BYTES);
    sign_manifest();
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_OK);
    make_manifest(2, 8);
    put_le16(manifest + 6, 3);
    put_le16(manifest + 8, 3);
    sign_manifest();
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_OK);
    board_free(&box);
}

static void a_wrong_image_is_refused(void) {
    start_box();
    CHECK_EQUAL(ota_finish(&update), OTA_WRONG_ORDER);
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_OK);
    CHECK_EQUAL(ota_write(&update, 1, image, 1), OTA_WRONG_ORDER);
    CHECK_EQUAL(ota_write(&update, 0, image, IMAGE_BYTES), OTA_OK);
    CHECK_EQUAL(ota_write(&update, IMAGE_BYTES, image, 1), OTA_TOO_LONG);
    CHECK_EQUAL(ota_finish(&update), OTA_WRONG_ORDER);
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_OK);
    CHECK_EQUAL(ota_write(&update, 0, image, IMAGE_BYTES - 1), OTA_OK);
    CHECK_EQUAL(ota_finish(&update), OTA_WRONG_ORDER);
    CHECK_EQUAL(ota_resume(&update, manifest, sizeof manifest, IMAGE_BYTES), OTA_WRONG_ORDER);
    CHECK_EQUAL(ota_resume(&update, manifest, sizeof manifest, IMAGE_BYTES - 1), OTA_OK);
    image[9] ^= 1;
    CHECK_EQUAL(receive(), OTA_WRONG_DIGEST);
    CHECK_EQUAL(box.selected_slot, 0);
    CHECK_EQUAL(update.state.phase, OTA_IDLE);
    board_free(&box);
}

static bool is_bootable(uint32_t slot, uint32_t active) {
    return slot == active || memcmp(box.images[slot], image, IMAGE_BYTES) == 0;
}

/* The power goes at each operation of an update's whole life, with each tear. */
static bool live(uint64_t cut, tear_mode tear, uint64_t seed) {
    board_init(&box, 1, seed);
    boot();
    make_manifest(2, 7);
    uint32_t counter = 0, active = 0;
    box.flash.tear = tear;
    box.flash.cut_at = box.flash.operations + cut;
    bool was_cut = false;
    for (int step = 0; step < 12; step++) {
        ota_result result = boot();
        if (update.state.phase == OTA_IDLE && update.state.active_slot == 0) {
            result = receive();
        } else if (update.state.phase == OTA_TRIAL && step > 3) {
            result = ota_confirm(&update, &all);
        }
        was_cut |= box.flash.is_off;
        CHECK(result == OTA_OK || box.flash.is_off);
        if (box.flash.is_off) {
            nor_ram_power_on(&box.flash);
            CHECK_EQUAL(boot(), OTA_OK);
        }
        CHECK(is_bootable(box.selected_slot, update.state.active_slot));
        CHECK(update.state.counter >= counter && update.state.active_slot >= active);
        counter = update.state.counter;
        active = update.state.active_slot;
    }
    CHECK(update.state.phase == OTA_IDLE || update.state.phase == OTA_ROLLED_BACK);
    board_free(&box);
    return was_cut;
}

static void no_cut_leaves_the_box_without_an_image(void) {
    int cuts = 0;
    for (int tear = 0; tear < TEAR_MODES; tear++) {
        for (uint64_t seed = 1; seed < 6; seed++) {
            for (uint64_t cut = 0; live(cut, (tear_mode)tear, seed); cut++) {
                cuts++;
            }
        }
    }
    CHECK(cuts > 500);
}

static void a_confirmation_that_is_not_durable_is_none(void) {
    start_box();
    CHECK_EQUAL(receive(), OTA_OK);
    boot();
    box.flash.silent_per_65536 = 65536;
    CHECK_EQUAL(ota_confirm(&update, &all), OTA_STORAGE);
    CHECK(update.state.phase == OTA_TRIAL && update.state.counter == 0);
    box.flash.silent_per_65536 = 0;
    CHECK_EQUAL(ota_confirm(&update, &all), OTA_OK);
    CHECK_EQUAL(update.state.counter, 7);
    board_free(&box);
}

static void a_way_back_that_is_not_durable_is_told(void) {
    start_box();
    CHECK_EQUAL(receive(), OTA_OK);
    for (int i = 0; i < OTA_TRIALS; i++) {
        boot();
    }
    box.flash.silent_per_65536 = 65536;
    CHECK_EQUAL(boot(), OTA_STORAGE);
    CHECK_EQUAL(box.selected_slot, 0); /* but gone all the same */
    board_free(&box);
}

static void storage_that_fails_is_told(void) {
    start_box();
    box.flash.silent_per_65536 = 65536;
    CHECK_EQUAL(receive(), OTA_STORAGE);
    CHECK_EQUAL(update.state.phase, OTA_IDLE);
    box.flash.silent_per_65536 = 0;
    CHECK_EQUAL(receive(), OTA_OK);
    box.flash.silent_per_65536 = 65536;
    CHECK_EQUAL(boot(), OTA_STORAGE); /* a trial that cannot be counted */
    board_free(&box);
    start_box();
    box.flash.is_off = true;
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_STORAGE);
    box.flash.is_off = false;
    CHECK_EQUAL(ota_begin(&update, manifest, sizeof manifest), OTA_OK);
    box.flash.is_off = true;
    CHECK_EQUAL(ota_write(&update, 0, image, 10), OTA_STORAGE);
    CHECK_EQUAL(ota_write(&update, 0, image, 10), OTA_WRONG_ORDER);
    CHECK_EQUAL(boot(), OTA_STORAGE);
    board_free(&box);
}

void ota_suite(void) {
    RUN(an_update_that_proves_itself_stays);
    RUN(the_next_update_goes_into_the_other_slot);
    RUN(what_ended_takes_nothing_more);
    RUN(an_update_that_does_not_is_rolled_back);
    RUN(an_image_that_the_boot_loader_refuses_is_given_up);
    RUN(every_tampered_manifest_is_refused);
    RUN(a_wrong_image_is_refused);
    RUN(no_cut_leaves_the_box_without_an_image);
    RUN(a_confirmation_that_is_not_durable_is_none);
    RUN(a_way_back_that_is_not_durable_is_told);
    RUN(storage_that_fails_is_told);
}
