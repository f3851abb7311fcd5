#include <string.h>

#include "../check.h"
#include "noctis/ota_fetch.h"
#include "nor_ram.h"
#include "releases.h"
#include "suites.h"

#define IMAGE_BYTES (36u * FETCH_PIECE + 1u) /* the last piece is one byte */
#define SLOT_BYTES 160000u
#define MOST_STEPS 4000

enum { STATE_AT = 0, MARK_AT = 2, SECTORS = 4 };

typedef enum { WELL, GONE, SILENT, BUSY, HALF, NO_RANGES, SPOILT, TOO_MUCH, ERROR_PAGE, FAULTS } fault;

static nor_ram flash;
static uint8_t slots[2][SLOT_BYTES], manifest[OTA_MANIFEST_BYTES], image[IMAGE_BYTES];
static uint32_t selected, written, asked, erased_from;
static ota update;
static ota_fetch fetch;
static fault now_wrong;
static int gone_status;
static uint64_t now_ms;

static bool verify(void *context, const uint8_t key_id[OTA_KEY_ID_BYTES],
                   const uint8_t digest[SHA256_BYTES],
                   const uint8_t signature[OTA_SIGNATURE_BYTES]) {
    (void)context;
    return memcmp(key_id, "release1", OTA_KEY_ID_BYTES) == 0 && release_verify(digest, signature);
}

static bool begin(void *context, uint32_t slot, uint32_t from, uint32_t size) {
    (void)context;
    erased_from = from;
    memset(slots[slot] + from, 0xFF, size - from);
    return !flash.is_off;
}

/* As flash does: what was not erased comes out as the AND of both. */
static bool write_slot(void *context, uint32_t slot, uint32_t offset, const void *bytes,
                       size_t length) {
    (void)context;
    for (size_t i = 0; i < length; i++) {
        slots[slot][offset + i] &= ((const uint8_t *)bytes)[i];
    }
    written += (uint32_t)length;
    return !flash.is_off;
}

static bool read_slot(void *context, uint32_t slot, uint32_t offset, void *bytes, size_t length) {
    (void)context;
    memcpy(bytes, slots[slot] + offset, length);
    return true;
}

static bool select_slot(void *context, uint32_t slot) {
    (void)context;
    selected = slot;
    return true;
}

static const ota_port port = {NULL,  "noctis-bedside", 3, SLOT_BYTES, verify, begin, write_slot,
                              read_slot, select_slot};

static void get(void *context, ota_part part, uint32_t offset, uint8_t *bytes, size_t size,
                piece_answer *answer) {
    (void)context;
    const uint8_t *from = part == PART_MANIFEST ? manifest : image;
    uint32_t whole = part == PART_MANIFEST ? sizeof manifest : IMAGE_BYTES;
    static const int statuses[FAULTS] = {206, 404, 0, 503, 206, 200, 206, 206, 500};
    asked++;
    CHECK(size > 0 && offset + size <= whole); /* never behind the end */
    *answer = (piece_answer){.status = statuses[now_wrong], .offset = offset};
    answer->status = now_wrong == GONE && part == PART_IMAGE ? gone_status : answer->status;
    if (answer->status != 206 && answer->status != 200 && answer->status != 500) {
        answer->retry_after_s = now_wrong == BUSY ? 60 : 0;
        return;
    }
    answer->offset = now_wrong == NO_RANGES ? 0 : offset;
    answer->length = whole - offset < size ? whole - offset : size;
    answer->length = now_wrong == HALF ? answer->length / 2 : answer->length;
    memcpy(bytes, from + answer->offset, answer->length);
    bytes[0] ^= now_wrong == SPOILT && part == PART_IMAGE ? 1 : 0;
    answer->length = now_wrong == TOO_MUCH ? size + 1 : answer->length;
}

static const ota_source source = {NULL, get};

static void boot(void) {
    CHECK_EQUAL(ota_boot(&update, &port, &flash.nor, STATE_AT, selected), OTA_OK);
    ota_fetch_init(&fetch, &update, &source, &flash.nor, MARK_AT, 0);
}

static void start(void) {
    nor_ram_init(&flash, SECTORS, 5);
    memset(slots, 0xFF, sizeof slots);
    selected = written = asked = 0;
    now_wrong = WELL;
    now_ms = 0;
    boot();
    release_make(manifest, image, IMAGE_BYTES, 2, 7);
}

static fetch_outcome step(void) {
    now_ms = fetch.ready_ms > now_ms ? fetch.ready_ms : now_ms + 500;
    return ota_fetch_step(&fetch, now_ms, 0x80000000u);
}

/* Until the image is whole, or `bytes` of it are here. */
static fetch_outcome fetch_until(uint32_t bytes) {
    fetch_outcome outcome = FETCH_NOTHING;
    for (int i = 0; i < MOST_STEPS && outcome != FETCH_READY; i++) {
        outcome = step();
        if (update.received >= bytes && bytes > 0) {
            break;
        }
    }
    return outcome;
}

/* Not before half of the usual time, not after twice of it. */
static bool looks_again_in_hours(void) {
    return fetch.ready_ms >= now_ms + FETCH_LOOK_EVERY_MS / 2 &&
           fetch.ready_ms <= now_ms + 2 * FETCH_LOOK_EVERY_MS && fetch.failures == 0;
}

static bool has_image(uint32_t slot) { return memcmp(slots[slot], image, IMAGE_BYTES) == 0; }

static void an_image_comes_in_pieces_and_goes_on_trial(void) {
    start();
    CHECK_EQUAL(fetch_until(0), FETCH_READY);
    CHECK(has_image(1));
    CHECK_EQUAL(selected, 1);
    CHECK_EQUAL(written, IMAGE_BYTES);
    CHECK_EQUAL(asked, 1 + (IMAGE_BYTES + FETCH_PIECE - 1) / FETCH_PIECE);
    ota_fetch_init(&fetch, &update, &source, &flash.nor, MARK_AT, 99);
    CHECK_EQUAL(fetch.ready_ms, 99); /* nothing is under way: no hurry */
    boot();
    CHECK_EQUAL(update.state.phase, OTA_TRIAL);
    step();
    CHECK_EQUAL(fetch.refused, OTA_BUSY);
    CHECK(!fetch.is_fetching && looks_again_in_hours());
    nor_ram_free(&flash);
}

static void a_power_cut_costs_no_more_than_what_is_behind_the_mark(void) {
    start();
    fetch_until(140000);
    CHECK_EQUAL(fetch.mark.received, 2 * FETCH_MARK_BYTES);
    boot(); /* what was in RAM is gone; behind the mark the slot holds pieces already */
    written = 0;
    CHECK_EQUAL(ota_fetch_step(&fetch, 0, 0), FETCH_PIECE_CAME); /* and at once */
    CHECK_EQUAL(erased_from, 2 * FETCH_MARK_BYTES);
    CHECK_EQUAL(fetch_until(0), FETCH_READY);
    CHECK_EQUAL(written, IMAGE_BYTES - 2 * FETCH_MARK_BYTES);
    CHECK(has_image(1));
    nor_ram_free(&flash);
}

/* The power goes at one operation of the marks' flash; false: there were fewer. */
static bool fetch_through_a_cut(uint64_t cut, tear_mode tear) {
    start();
    flash.tear = tear;
    flash.cut_at = flash.operations + cut;
    for (int i = 0; i < 400 && !flash.is_off && selected == 0; i++) {
        step();
    }
    bool was_cut = flash.is_off;
    nor_ram_power_on(&flash);
    boot();
    bool is_arranged = update.state.phase == OTA_TRIAL || update.state.phase == OTA_READY;
    CHECK(is_arranged || fetch_until(0) == FETCH_READY);
    CHECK(has_image(1) && selected == 1);
    nor_ram_free(&flash);
    return was_cut;
}

static void no_cut_keeps_an_update_away(void) {
    int cuts = 0;
    for (int tear = 0; tear < TEAR_MODES; tear++) {
        for (uint64_t cut = 0; fetch_through_a_cut(cut, (tear_mode)tear); cut++) {
            cuts++;
        }
    }
    CHECK(cuts >= 7 * 9);
}

static void another_offer_begins_anew(void) {
    start();
    fetch_until(100000);
    release_make(manifest, image, IMAGE_BYTES, 3, 7);
    boot();
    written = 0;
    CHECK_EQUAL(fetch_until(0), FETCH_READY);
    CHECK(has_image(1) && erased_from == 0 && written == IMAGE_BYTES);
    CHECK_EQUAL(update.state.trial_version, 3);
    nor_ram_free(&flash);
}

/* Whatever goes wrong between, the next good answer goes on at the same byte. */
static void a_bad_answer_is_waited_out(void) {
    const fault passing[] = {SILENT, BUSY, NO_RANGES, TOO_MUCH, ERROR_PAGE, HALF};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        start();
        fetch_until(20000);
        uint32_t before = update.received;
        uint64_t since_ms = now_ms;
        now_wrong = passing[i];
        step();
        bool is_half = passing[i] == HALF;
        CHECK_EQUAL(update.received, before + (is_half ? FETCH_PIECE / 2 : 0));
        CHECK(is_half || fetch.ready_ms > since_ms + 500);
        CHECK(passing[i] != BUSY || fetch.ready_ms >= now_ms + 60000);
        now_wrong = WELL;
        step();
        CHECK_EQUAL(fetch.failures, 0);
        CHECK_EQUAL(fetch_until(0), FETCH_READY);
        CHECK_EQUAL(written, IMAGE_BYTES);
        CHECK(has_image(1));
        nor_ram_free(&flash);
    }
}

static void waits_grow_while_nobody_answers(void) {
    start();
    now_wrong = SILENT;
    uint64_t longest = 0;
    for (int i = 0; i < 20; i++) {
        step();
        longest = fetch.ready_ms - now_ms > longest ? fetch.ready_ms - now_ms : longest;
        CHECK_EQUAL(ota_fetch_step(&fetch, fetch.ready_ms - 1, 0), FETCH_NOTHING);
    }
    CHECK_EQUAL(asked, 20);
    CHECK_EQUAL(longest, 450000); /* half of 900 s: what was drawn */
    nor_ram_free(&flash);
}

static void a_spoilt_image_is_not_fetched_over_and_over(void) {
    start();
    now_wrong = SPOILT;
    for (int i = 0; i < MOST_STEPS && fetch.refused != OTA_WRONG_DIGEST; i++) {
        step();
    }
    CHECK_EQUAL(fetch.refused, OTA_WRONG_DIGEST);
    CHECK(selected == 0 && looks_again_in_hours());
    nor_ram_free(&flash);
}

static void a_piece_that_rotted_behind_the_mark_costs_one_more_try(void) {
    start();
    fetch_until(140000);
    slots[1][77] ^= 0x10;
    boot();
    CHECK_EQUAL(fetch_until(0), FETCH_READY);
    CHECK(has_image(1));
    nor_ram_free(&flash);
}

static void an_offer_that_is_gone_is_asked_for_anew(void) {
    const int statuses[] = {410, 416, 404};
    for (int i = 0; i < 3; i++) {
        start();
        fetch_until(20000);
        now_wrong = GONE;
        gone_status = statuses[i];
        step();
        CHECK(!fetch.is_fetching && fetch.failures == 1);
        nor_ram_free(&flash);
    }
    start();
    now_wrong = GONE;
    step();
    CHECK(looks_again_in_hours()); /* nothing on offer now */
    now_wrong = WELL;
    CHECK_EQUAL(fetch_until(0), FETCH_READY);
    nor_ram_free(&flash);
}

static void what_runs_or_has_failed_is_no_news(void) {
    start();
    update.state.version = 2;
    step();
    CHECK(!fetch.is_fetching && asked == 1 && looks_again_in_hours());
    update.state = (ota_state){.format = 1, .phase = OTA_ROLLED_BACK, .trial_version = 2};
    step();
    CHECK(!fetch.is_fetching && asked == 2);
    update.state.trial_version = 1;
    CHECK_EQUAL(step(), FETCH_PIECE_CAME);
    nor_ram_free(&flash);
}

static void an_offer_that_is_not_signed_for_us_moves_nothing(void) {
    start();
    manifest[40] ^= 1;
    step();
    CHECK_EQUAL(fetch.refused, OTA_BAD_SIGNATURE);
    CHECK(asked == 1 && written == 0 && !fetch.is_fetching);
    now_wrong = HALF; /* of a manifest is none */
    CHECK_EQUAL(step(), FETCH_NOTHING);
    CHECK(!fetch.is_fetching);
    nor_ram_free(&flash);
}

static void a_slot_that_does_not_take_it_is_told(void) {
    start();
    fetch_until(20000);
    flash.is_off = true;
    step();
    CHECK_EQUAL(fetch.refused, OTA_STORAGE);
    CHECK(!fetch.is_fetching);
    step();
    CHECK_EQUAL(fetch.refused, OTA_STORAGE);
    flash.is_off = false;
    CHECK_EQUAL(fetch_until(0), FETCH_READY);
    CHECK(has_image(1));
    nor_ram_free(&flash);
}

static void without_a_source_nobody_is_asked(void) {
    static const ota_source nobody = {NULL, NULL};
    start();
    ota_fetch_init(&fetch, &update, &nobody, &flash.nor, MARK_AT, 99);
    CHECK_EQUAL(fetch.ready_ms, 99);
    CHECK_EQUAL(ota_fetch_step(&fetch, 1000, 0), FETCH_NOTHING);
    nor_ram_free(&flash);
}

void ota_fetch_suite(void) {
    RUN(an_image_comes_in_pieces_and_goes_on_trial);
    RUN(a_power_cut_costs_no_more_than_what_is_behind_the_mark);
    RUN(no_cut_keeps_an_update_away);
    RUN(another_offer_begins_anew);
    RUN(a_bad_answer_is_waited_out);
    RUN(waits_grow_while_nobody_answers);
    RUN(a_spoilt_image_is_not_fetched_over_and_over);
    RUN(a_piece_that_rotted_behind_the_mark_costs_one_more_try);
    RUN(an_offer_that_is_gone_is_asked_for_anew);
    RUN(what_runs_or_has_failed_is_no_news);
    RUN(an_offer_that_is_not_signed_for_us_moves_nothing);
    RUN(a_slot_that_does_not_take_it_is_told);
    RUN(without_a_source_nobody_is_asked);
}
