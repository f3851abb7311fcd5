#include "noctis/config.h"

#include <string.h>

#include "noctis/bytes.h"
#include "noctis/crc.h"

#define COPIES 2
#define COPY_MAGIC 0x3130434Eu /* "NC01" */
#define PIECE 128              /* divides a page: no piece crosses one */

enum { AT_MAGIC = 0, AT_VERSION = 4, AT_LENGTH = 8, AT_CRC = 12, HEAD_BYTES = 16 };

static uint32_t address_of(const two_copies *store, uint32_t copy) {
    return (store->first_sector + copy) * NOR_SECTOR_BYTES;
}

static uint32_t check_of(const uint8_t head[HEAD_BYTES], const void *bytes, size_t length) {
    return crc32c_of(crc32c_of(0, head, AT_CRC), bytes, length);
}

/* The body's CRC without a buffer for it: a copy is judged before anything is overwritten. */
static bool judge(const two_copies *store, uint32_t copy, size_t length, uint32_t *version) {
    const nor_flash *nor = store->nor;
    uint8_t head[HEAD_BYTES], piece[PIECE];
    uint32_t address = address_of(store, copy);
    if (!nor->read(nor->context, address, head, sizeof head) ||
        get_le32(head + AT_MAGIC) != COPY_MAGIC || get_le32(head + AT_LENGTH) != length) {
        return false;
    }
    uint32_t crc = crc32c_of(0, head, AT_CRC);
    for (size_t done = 0; done < length; done += PIECE) {
        size_t part = length - done < PIECE ? length - done : PIECE;
        if (!nor->read(nor->context, address + NOR_PAGE_BYTES + (uint32_t)done, piece, part)) {
            return false;
        }
        crc = crc32c_of(crc, piece, part);
    }
    *version = get_le32(head + AT_VERSION);
    return crc == get_le32(head + AT_CRC);
}

static bool program(const nor_flash *nor, uint32_t address, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    for (size_t done = 0; done < length; done += PIECE) {
        size_t part = length - done < PIECE ? length - done : PIECE;
        if (!nor->program(nor->context, address + (uint32_t)done, from + done, part)) {
            return false;
        }
    }
    return true;
}

static void put_head(uint8_t head[HEAD_BYTES], uint32_t version, const void *bytes, size_t length) {
    put_le32(head + AT_MAGIC, COPY_MAGIC);
    put_le32(head + AT_VERSION, version);
    put_le32(head + AT_LENGTH, (uint32_t)length);
    put_le32(head + AT_CRC, check_of(head, bytes, length));
}

/* The head, which makes the copy valid, is programmed last. */
static bool write_copy(const two_copies *store, uint32_t copy, uint32_t version, const void *bytes,
                       size_t length) {
    uint8_t head[HEAD_BYTES];
    uint32_t address = address_of(store, copy), back;
    put_head(head, version, bytes, length);
    return program(store->nor, address + NOR_PAGE_BYTES, bytes, length) &&
           program(store->nor, address, head, sizeof head) && judge(store, copy, length, &back) &&
           back == version;
}

/* Programs what was read over itself: cells that a cut left half-way are driven to where they read
 * now, so a copy that was good once stays good. */
static bool load_copy(two_copies *store, uint8_t copy, void *bytes, size_t length) {
    const nor_flash *nor = store->nor;
    uint32_t address = address_of(store, copy), version;
    if (!judge(store, copy, length, &version) ||
        !nor->read(nor->context, address + NOR_PAGE_BYTES, bytes, length) ||
        !write_copy(store, copy, version, bytes, length)) {
        return false;
    }
    store->version = version;
    store->newest = copy;
    return true;
}

bool two_copies_load(two_copies *store, const nor_flash *nor, uint32_t first_sector, void *bytes,
                     size_t length) {
    uint32_t version[COPIES] = {0, 0};
    *store = (two_copies){.nor = nor, .first_sector = first_sector, .newest = COPIES - 1};
    bool has_first = judge(store, 0, length, &version[0]);
    bool has_second = judge(store, 1, length, &version[1]);
    bool is_second_newer = (int32_t)(version[1] - version[0]) > 0;
    uint8_t newest = has_second && (!has_first || is_second_newer);
    return load_copy(store, newest, bytes, length) ||
           load_copy(store, (uint8_t)(1 - newest), bytes, length);
}

bool two_copies_save(two_copies *store, const void *bytes, size_t length) {
    const nor_flash *nor = store->nor;
    uint8_t copy = (uint8_t)(1 - store->newest);
    if (length > STORE_MOST_BYTES || !nor->erase(nor->context, address_of(store, copy)) ||
        !write_copy(store, copy, store->version + 1, bytes, length)) {
        return false;
    }
    store->version++;
    store->newest = copy;
    return true;
}

static bool is_text(const char *text, size_t size) {
    return text[0] != 0 && memchr(text, 0, size) != NULL;
}

config_fault config_check(const device_config *config, bool allows_plain) {
    if (config->format != CONFIG_FORMAT) {
        return CONFIG_WRONG_FORMAT;
    }
    const char *url = config->server_url;
    bool is_plain = strncmp(url, "http://", 7) == 0;
    if (!is_text(url, sizeof config->server_url) ||
        (!is_plain && strncmp(url, "https://", 8) != 0)) {
        return CONFIG_BAD_URL;
    }
    if (is_plain && !allows_plain) {
        return CONFIG_PLAIN_HTTP;
    }
    bool has_identity = is_text(config->external_id, sizeof config->external_id) &&
                        is_text(config->key_id, sizeof config->key_id) &&
                        is_text(config->client_id, sizeof config->client_id) &&
                        is_text(config->tenant_id, sizeof config->tenant_id);
    return has_identity ? CONFIG_OK : CONFIG_NO_IDENTITY;
}
