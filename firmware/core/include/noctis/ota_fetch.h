/* Brings an update here in pieces: asked for by range, gone on with after any break, also a power
 * cut, and believed only once the whole image's hash was read back. One piece a step; never waits
 * for anything but the source's own answer. */
#ifndef NOCTIS_OTA_FETCH_H
#define NOCTIS_OTA_FETCH_H

#include "noctis/ota.h"

/* Each piece costs a request: 384 of them for the largest image. */
#define FETCH_PIECE 4096
/* What is behind a mark survives a power cut; a multiple of every flash's erase block. */
#define FETCH_MARK_BYTES 65536u
#define FETCH_LOOK_EVERY_MS (6u * 3600u * 1000u)

typedef enum { PART_MANIFEST, PART_IMAGE } ota_part;

typedef struct {
    int status; /* as in HTTP: 200, 206, 404, …; 0: no answer in time */
    uint32_t retry_after_s;
    uint32_t offset; /* at which the answer says that its bytes stand */
    size_t length;
} piece_answer;

/* Who has updates. `get` is NULL where there is nobody to ask. */
typedef struct {
    void *context;
    /* Up to `size` bytes from `offset` on. */
    void (*get)(void *context, ota_part part, uint32_t offset, uint8_t *bytes, size_t size,
                piece_answer *answer);
} ota_source;

/* Durable: how much of which image stands in the inactive slot. */
typedef struct {
    uint32_t format, received;
    uint8_t manifest[SHA256_BYTES];
} fetch_mark;

typedef struct {
    ota *ota;
    const ota_source *source;
    two_copies store;
    fetch_mark mark;
    bool is_fetching, was_resumed;
    uint32_t failures;
    uint64_t ready_ms;
    uint8_t piece[FETCH_PIECE];
    ota_result refused; /* why the last offer was not taken */
} ota_fetch;

typedef enum { FETCH_NOTHING, FETCH_PIECE_CAME, FETCH_READY } fetch_outcome;

void ota_fetch_init(ota_fetch *fetch, ota *ota, const ota_source *source, const nor_flash *nor,
                    uint32_t first_sector, uint32_t random);
/* FETCH_READY once: the image is whole and its trial arranged; the reboot is the caller's. */
fetch_outcome ota_fetch_step(ota_fetch *fetch, uint64_t now_ms, uint32_t random);

#endif
