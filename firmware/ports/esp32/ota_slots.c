#include <string.h>

#include "esp32_port.h"
#include "esp_ota_ops.h"
#include "mbedtls/ecdsa.h"

#define SLOT_BYTES 0x180000 /* partitions.csv */
#define HALF 32

/* Public halves of the release keys, by id; the build puts them here. */
typedef struct {
    uint8_t id[OTA_KEY_ID_BYTES], point[65];
} release_key;
extern const release_key release_keys[];
extern const size_t release_key_count;

static const esp_partition_t *partition_of(uint32_t slot) {
    return esp_partition_find_first(
        ESP_PARTITION_TYPE_APP,
        slot == 0 ? ESP_PARTITION_SUBTYPE_APP_OTA_0 : ESP_PARTITION_SUBTYPE_APP_OTA_1, NULL);
}

uint32_t esp32_ota_running_slot(void) {
    return esp_ota_get_running_partition() == partition_of(1) ? 1 : 0;
}

static bool is_signed_by(const release_key *by, const uint8_t *digest, const uint8_t *signature) {
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_mpi r, s;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    bool is_good = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
                   mbedtls_ecp_point_read_binary(&group, &point, by->point, sizeof by->point) == 0 &&
                   mbedtls_mpi_read_binary(&r, signature, HALF) == 0 &&
                   mbedtls_mpi_read_binary(&s, signature + HALF, HALF) == 0 &&
                   mbedtls_ecdsa_verify(&group, digest, SHA256_BYTES, &point, &r, &s) == 0;
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
    return is_good;
}

static bool verify(void *context, const uint8_t key_id[OTA_KEY_ID_BYTES],
                   const uint8_t digest[SHA256_BYTES],
                   const uint8_t signature[OTA_SIGNATURE_BYTES]) {
    (void)context;
    for (size_t i = 0; i < release_key_count; i++) {
        if (memcmp(release_keys[i].id, key_id, OTA_KEY_ID_BYTES) == 0) {
            return is_signed_by(&release_keys[i], digest, signature);
        }
    }
    return false;
}

static bool begin(void *context, uint32_t slot, uint32_t from, uint32_t size) {
    (void)context;
    const uint32_t sector = NOR_SECTOR_BYTES;
    uint32_t whole = (size - from + sector - 1) / sector * sector;
    return from % sector == 0 &&
           esp_partition_erase_range(partition_of(slot), from, whole) == ESP_OK;
}

static bool write(void *context, uint32_t slot, uint32_t offset, const void *bytes, size_t length) {
    (void)context;
    return esp_partition_write(partition_of(slot), offset, bytes, length) == ESP_OK;
}

static bool read(void *context, uint32_t slot, uint32_t offset, void *bytes, size_t length) {
    (void)context;
    return esp_partition_read(partition_of(slot), offset, bytes, length) == ESP_OK;
}

static bool select_slot(void *context, uint32_t slot) {
    (void)context;
    return esp_ota_set_boot_partition(partition_of(slot)) == ESP_OK;
}

const ota_port esp32_ota = {.product = "noctis-bedside",
                            .hardware = 1,
                            .slot_bytes = SLOT_BYTES,
                            .verify = verify,
                            .begin = begin,
                            .write = write,
                            .read = read,
                            .select = select_slot};
