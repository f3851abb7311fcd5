/* A W25Q64 in memory that can lose power in the middle of an operation, and lie. */
#ifndef NOCTIS_NOR_RAM_H
#define NOCTIS_NOR_RAM_H

#include "noctis/nor.h"

typedef enum {
    TEAR_BEFORE,    /* nothing happened */
    TEAR_AFTER,     /* all happened, but nobody was told */
    TEAR_PREFIX,    /* the first bytes are done */
    TEAR_BITS,      /* some bits are done, anywhere */
    TEAR_UNSTABLE,  /* cells half-way: each read tosses a coin, until they are driven again */
    TEAR_INVISIBLE, /* cells half-way that read as before for now, and flip later */
    TEAR_ZEROED,    /* an erase cut in its pre-programming: all zero */
    TEAR_MODES,
} tear_mode;

typedef struct {
    uint8_t *cells, *unstable, *latent; /* bit masks beside the content */
    uint32_t *erases;                   /* a sector */
    uint32_t sectors;
    uint64_t random;
    uint64_t operations; /* programs and erases so far */
    uint64_t cut_at;     /* the operation that will be torn; UINT64_MAX: none */
    tear_mode tear;
    bool is_off;
    uint32_t silent_per_65536; /* programs that do nothing and say they did */
    uint32_t page_faults;      /* programs across a page, or bits set without an erase */
    nor_flash nor;
} nor_ram;

void nor_ram_init(nor_ram *ram, uint32_t sectors, uint64_t seed);
void nor_ram_free(nor_ram *ram);
/* Power is back; latent cells may have drifted meanwhile. */
void nor_ram_power_on(nor_ram *ram);
uint32_t nor_ram_random(nor_ram *ram);

#endif
