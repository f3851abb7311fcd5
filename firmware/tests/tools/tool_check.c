/* What the tools make, read by the core; what the core writes, for the tools to read.
 * Usage: tool_check FOLDER, with sector.bin, manifest.bin and point.txt in it; writes flash.bin. */
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "noctis/bytes.h"

static uint8_t expected_digest[SHA256_BYTES];

static size_t read_file(const char *folder, const char *name, uint8_t *bytes, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    size_t length = file == NULL ? 0 : fread(bytes, 1, size, file);
    if (file != NULL) {
        fclose(file);
    }
    return length;
}

/* pytest has verified the signature with a library; here it is enough that it is the last part. */
static bool verify(void *context, const uint8_t *key_id, const uint8_t *digest,
                   const uint8_t *signature) {
    (void)context, (void)key_id, (void)signature;
    memcpy(expected_digest, digest, SHA256_BYTES);
    return true;
}

int main(int count, char **words) {
    static uint8_t manifest[OTA_MANIFEST_BYTES];
    nor_ram flash;
    two_copies store;
    device_config config;
    ota_manifest read;
    flash_log log;
    const ota_port port = {.product = "noctis-bedside", .hardware = 2, .slot_bytes = 1 << 20, .verify = verify};
    if (count != 2) {
        return 2;
    }
    nor_ram_init(&flash, 6, 1);
    read_file(words[1], "sector.bin", flash.cells, NOR_SECTOR_BYTES);
    bool is_loaded = two_copies_load(&store, &flash.nor, 0, &config, sizeof config);
    size_t length = read_file(words[1], "manifest.bin", manifest, sizeof manifest);
    ota_result result = ota_read_manifest(&port, 3, manifest, length, &read);
    printf("{\"config\": %d, \"external_id\": \"%s\", \"key_id\": \"%s\", \"wifi\": \"%s\", "
           "\"manifest\": %d, \"version\": %u, \"size\": %u, \"signed\": \"",
           is_loaded ? (int)config_check(&config, false) : -1, config.external_id, config.key_id,
           config.wifi_secret, result, (unsigned)read.version, (unsigned)read.size);
    for (int i = 0; i < SHA256_BYTES; i++) {
        printf("%02x", expected_digest[i]);
    }
    printf("\"}\n");
    nor_ram_free(&flash);
    nor_ram_init(&flash, 6, 1);
    flash_log_mount(&log, &flash.nor, 0, 6);
    for (uint16_t i = 0; i < 100; i++) {
        log_record record = {LOG_EPOCH, i, 4, 1763676000000 + i * NOC_EPOCH_MS, {0}};
        uint32_t sequence;
        put_le16(record.payload, (uint16_t)(512 * i));
        put_le16(record.payload + 6, QUANTISE_GAP);
        flash_log_append(&log, &record, &sequence);
    }
    flash_log_acknowledge(&log, log.generation * LOG_SLOTS);
    char path[512];
    snprintf(path, sizeof path, "%s/flash.bin", words[1]);
    FILE *file = fopen(path, "wb");
    fwrite(flash.cells, NOR_SECTOR_BYTES, 6, file);
    fclose(file);
    nor_ram_free(&flash);
    return 0;
}
