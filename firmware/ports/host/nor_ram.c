#include "nor_ram.h"

#include <stdlib.h>
#include <string.h>

uint32_t nor_ram_random(nor_ram *ram) {
    ram->random ^= ram->random << 13; /* xorshift64 */
    ram->random ^= ram->random >> 7;
    ram->random ^= ram->random << 17;
    return (uint32_t)(ram->random >> 32);
}

static uint8_t random_byte(nor_ram *ram) { return (uint8_t)nor_ram_random(ram); }

static bool ram_read(void *context, uint32_t address, void *bytes, size_t length) {
    nor_ram *ram = context;
    if (ram->is_off) {
        return false;
    }
    uint8_t *to = bytes;
    memcpy(to, ram->cells + address, length);
    for (size_t i = 0; i < length; i++) {
        if (ram->unstable[address + i]) {
            to[i] ^= ram->unstable[address + i] & random_byte(ram);
        }
    }
    return true;
}

/* One byte on its way from its old to its new value when the power went. */
static void tear_byte(nor_ram *ram, uint32_t at, uint8_t wanted, bool is_first_part) {
    uint8_t changing = ram->cells[at] ^ wanted;
    switch (ram->tear) {
    case TEAR_AFTER:
        ram->cells[at] = wanted;
        break;
    case TEAR_PREFIX:
        ram->cells[at] = is_first_part ? wanted : ram->cells[at];
        break;
    case TEAR_BITS:
        ram->cells[at] ^= changing & random_byte(ram);
        break;
    case TEAR_UNSTABLE:
        ram->cells[at] ^= changing & random_byte(ram);
        ram->unstable[at] |= changing & random_byte(ram);
        break;
    case TEAR_INVISIBLE:
        ram->latent[at] |= changing & random_byte(ram);
        break;
    case TEAR_ZEROED:
        ram->cells[at] &= wanted == 0xFF ? 0 : wanted;
        break;
    default:
        break;
    }
}

static void settle(nor_ram *ram, uint32_t at, uint8_t driven) {
    ram->unstable[at] &= (uint8_t)~driven;
    ram->latent[at] &= (uint8_t)~driven;
}

static bool is_cut(nor_ram *ram) {
    if (ram->operations++ != ram->cut_at) {
        return false;
    }
    ram->is_off = true;
    return true;
}

static bool ram_program(void *context, uint32_t address, const void *bytes, size_t length) {
    nor_ram *ram = context;
    const uint8_t *from = bytes;
    if (ram->is_off) {
        return false;
    }
    if (address / NOR_PAGE_BYTES != (address + length - 1) / NOR_PAGE_BYTES) {
        ram->page_faults++;
    }
    bool is_torn = is_cut(ram);
    size_t part = nor_ram_random(ram) % (length + 1);
    if (!is_torn && nor_ram_random(ram) % 65536 < ram->silent_per_65536) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        uint8_t wanted = ram->cells[address + i] & from[i];
        if (is_torn) {
            tear_byte(ram, address + (uint32_t)i, wanted, i < part);
        } else {
            ram->cells[address + i] = wanted;
            settle(ram, address + (uint32_t)i, (uint8_t)~from[i]);
        }
    }
    return !is_torn;
}

static bool ram_erase(void *context, uint32_t address) {
    nor_ram *ram = context;
    if (ram->is_off) {
        return false;
    }
    bool is_torn = is_cut(ram);
    uint32_t start = address / NOR_SECTOR_BYTES * NOR_SECTOR_BYTES;
    uint32_t part = nor_ram_random(ram) % NOR_SECTOR_BYTES;
    ram->erases[start / NOR_SECTOR_BYTES]++;
    for (uint32_t i = 0; i < NOR_SECTOR_BYTES; i++) {
        if (is_torn) {
            tear_byte(ram, start + i, 0xFF, i < part);
        } else {
            ram->cells[start + i] = 0xFF;
            settle(ram, start + i, 0xFF);
        }
    }
    return !is_torn;
}

void nor_ram_power_on(nor_ram *ram) {
    ram->is_off = false;
    ram->cut_at = UINT64_MAX;
    if (ram->tear != TEAR_INVISIBLE) {
        return;
    }
    for (uint32_t i = 0; i < ram->sectors * NOR_SECTOR_BYTES; i++) {
        if (ram->latent[i]) { /* some of them become unstable now, some at a later boot */
            uint8_t now = ram->latent[i] & random_byte(ram);
            ram->unstable[i] |= now;
            ram->latent[i] &= (uint8_t)~now;
        }
    }
}

void nor_ram_init(nor_ram *ram, uint32_t sectors, uint64_t seed) {
    size_t size = (size_t)sectors * NOR_SECTOR_BYTES;
    memset(ram, 0, sizeof *ram);
    ram->cells = malloc(size);
    ram->unstable = calloc(size, 1);
    ram->latent = calloc(size, 1);
    ram->erases = calloc(sectors, sizeof *ram->erases);
    memset(ram->cells, 0xFF, size);
    ram->sectors = sectors;
    ram->random = seed * 0x9E3779B97F4A7C15u + 1;
    ram->cut_at = UINT64_MAX;
    ram->nor = (nor_flash){ram, ram_read, ram_program, ram_erase};
}

void nor_ram_free(nor_ram *ram) {
    free(ram->cells);
    free(ram->unstable);
    free(ram->latent);
    free(ram->erases);
}
