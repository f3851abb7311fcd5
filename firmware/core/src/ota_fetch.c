#include "noctis/ota_fetch.h"

#include <string.h>

#include "noctis/backoff.h"

#define MARK_FORMAT 1

static uint64_t spread(uint32_t random) {
    const uint32_t quarter = FETCH_LOOK_EVERY_MS / 4;
    return FETCH_LOOK_EVERY_MS - quarter + random % (2 * quarter);
}

void ota_fetch_init(ota_fetch *fetch, ota *ota, const ota_source *source, const nor_flash *nor,
                    uint32_t first_sector, uint32_t random) {
    memset(fetch, 0, sizeof *fetch);
    fetch->ota = ota;
    fetch->source = source;
    fetch->ready_ms = random % FETCH_LOOK_EVERY_MS; /* devices that boot together ask apart */
    if (!two_copies_load(&fetch->store, nor, first_sector, &fetch->mark, sizeof fetch->mark) ||
        fetch->mark.format != MARK_FORMAT) {
        fetch->mark = (fetch_mark){.format = MARK_FORMAT};
    } else if (fetch->mark.received > 0) {
        fetch->ready_ms = 0; /* it was under way */
    }
}

/* A mark that cannot be kept costs a longer way after the next cut, nothing else. */
static void set_mark(ota_fetch *fetch, uint32_t received) {
    if (fetch->mark.received != received) {
        fetch->mark.received = received;
        (void)two_copies_save(&fetch->store, &fetch->mark, sizeof fetch->mark);
    }
}

static fetch_outcome try_later(ota_fetch *fetch, uint64_t now_ms, uint32_t retry_after_s,
                               uint32_t random) {
    uint32_t wait_ms = retry_after_s > 0 ? backoff_asked_ms(retry_after_s, random)
                                         : backoff_ms(fetch->failures, random);
    fetch->failures++;
    fetch->ready_ms = now_ms + wait_ms;
    return FETCH_NOTHING;
}

static fetch_outcome look_again(ota_fetch *fetch, uint64_t now_ms, uint32_t random) {
    fetch->failures = 0;
    fetch->is_fetching = false;
    fetch->ready_ms = now_ms + spread(random);
    return FETCH_NOTHING;
}

/* Neither what runs, nor what has shown that it does not. */
static bool is_news(const ota_state *state, uint32_t version) {
    bool has_failed = state->phase == OTA_ROLLED_BACK && version == state->trial_version;
    return version != state->version && !has_failed;
}

static void note_offer(ota_fetch *fetch, const uint8_t *manifest) {
    sha256 hash;
    uint8_t digest[SHA256_BYTES];
    sha256_init(&hash);
    sha256_add(&hash, manifest, OTA_MANIFEST_BYTES);
    sha256_end(&hash, digest);
    if (memcmp(digest, fetch->mark.manifest, sizeof digest) != 0) {
        set_mark(fetch, 0);
        memcpy(fetch->mark.manifest, digest, sizeof digest);
    }
}

static fetch_outcome take_offer(ota_fetch *fetch, const uint8_t *manifest, uint64_t now_ms,
                                uint32_t random) {
    ota *ota = fetch->ota;
    ota_manifest offered;
    fetch->refused =
        ota_read_manifest(ota->port, ota->state.counter, manifest, OTA_MANIFEST_BYTES, &offered);
    if (fetch->refused != OTA_OK || !is_news(&ota->state, offered.version)) {
        return look_again(fetch, now_ms, random);
    }
    note_offer(fetch, manifest);
    fetch->refused = ota_resume(ota, manifest, OTA_MANIFEST_BYTES, fetch->mark.received);
    if (fetch->refused == OTA_BUSY) {
        return look_again(fetch, now_ms, random);
    }
    if (fetch->refused != OTA_OK) {
        set_mark(fetch, 0);
        return try_later(fetch, now_ms, 0, random);
    }
    fetch->was_resumed = fetch->mark.received > 0;
    fetch->is_fetching = true;
    fetch->failures = 0;
    return FETCH_PIECE_CAME;
}

static fetch_outcome ask_for_manifest(ota_fetch *fetch, uint64_t now_ms, uint32_t random) {
    uint8_t manifest[OTA_MANIFEST_BYTES];
    piece_answer answer = {0};
    const ota_source *source = fetch->source;
    source->get(source->context, PART_MANIFEST, 0, manifest, sizeof manifest, &answer);
    if (answer.status == 404 || answer.status == 204) {
        return look_again(fetch, now_ms, random);
    }
    bool is_whole = answer.offset == 0 && answer.length == sizeof manifest;
    if ((answer.status != 200 && answer.status != 206) || !is_whole) {
        return try_later(fetch, now_ms, answer.retry_after_s, random);
    }
    return take_offer(fetch, manifest, now_ms, random);
}

static fetch_outcome finish(ota_fetch *fetch, uint64_t now_ms, uint32_t random) {
    fetch->is_fetching = false;
    fetch->refused = ota_finish(fetch->ota);
    set_mark(fetch, 0);
    if (fetch->refused == OTA_OK) {
        return FETCH_READY;
    }
    /* What a cut left half-way may be mended by a whole new copy; a whole copy that is wrong
     * will be wrong again. */
    return fetch->was_resumed ? try_later(fetch, now_ms, 0, random)
                              : look_again(fetch, now_ms, random);
}

static fetch_outcome take_piece(ota_fetch *fetch, size_t length, uint64_t now_ms,
                                uint32_t random) {
    ota *ota = fetch->ota;
    fetch->refused = ota_write(ota, ota->received, fetch->piece, length);
    if (fetch->refused != OTA_OK) {
        fetch->is_fetching = false;
        set_mark(fetch, 0);
        return try_later(fetch, now_ms, 0, random);
    }
    fetch->failures = 0;
    if (ota->received == ota->manifest.size) {
        return finish(fetch, now_ms, random);
    }
    set_mark(fetch, ota->received / FETCH_MARK_BYTES * FETCH_MARK_BYTES);
    return FETCH_PIECE_CAME;
}

static fetch_outcome ask_for_piece(ota_fetch *fetch, uint64_t now_ms, uint32_t random) {
    const ota *ota = fetch->ota;
    const ota_source *source = fetch->source;
    uint32_t left = ota->manifest.size - ota->received;
    size_t wanted = left < FETCH_PIECE ? left : FETCH_PIECE;
    piece_answer answer = {0};
    source->get(source->context, PART_IMAGE, ota->received, fetch->piece, wanted, &answer);
    if (answer.status == 404 || answer.status == 410 || answer.status == 416) {
        fetch->is_fetching = false; /* the offer has changed: ask for the manifest again */
        return try_later(fetch, now_ms, answer.retry_after_s, random);
    }
    /* A proxy that ignores ranges answers 200 from the beginning. */
    bool is_here = (answer.status == 206 || answer.status == 200) &&
                   answer.offset == ota->received && answer.length > 0 && answer.length <= wanted;
    if (!is_here) {
        return try_later(fetch, now_ms, answer.retry_after_s, random);
    }
    return take_piece(fetch, answer.length, now_ms, random);
}

fetch_outcome ota_fetch_step(ota_fetch *fetch, uint64_t now_ms, uint32_t random) {
    if (fetch->source->get == NULL || now_ms < fetch->ready_ms) {
        return FETCH_NOTHING;
    }
    return fetch->is_fetching ? ask_for_piece(fetch, now_ms, random)
                              : ask_for_manifest(fetch, now_ms, random);
}
