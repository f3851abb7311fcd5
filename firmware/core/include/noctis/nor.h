/* NOR flash as the core sees it: programming clears bits, erasing a sector sets them. */
#ifndef NOCTIS_NOR_H
#define NOCTIS_NOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* W25Q64JV: 256-byte pages, 4 KB sectors, 100 000 erases a sector, 8 MB. */
#define NOR_PAGE_BYTES 256
#define NOR_SECTOR_BYTES 4096
#define NOR_SECTORS 2048

/* An answer of true is the driver's word only; whoever writes reads back. */
typedef struct {
    void *context;
    bool (*read)(void *context, uint32_t address, void *bytes, size_t length);
    bool (*program)(void *context, uint32_t address, const void *bytes, size_t length);
    bool (*erase)(void *context, uint32_t address);
} nor_flash;

#endif
