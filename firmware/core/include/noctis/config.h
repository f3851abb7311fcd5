/* Small things that must be whole after any power cut: two copies, of which one is always good.
 * Holds the configuration, the update's state and the crash record, a pair of sectors each. */
#ifndef NOCTIS_CONFIG_H
#define NOCTIS_CONFIG_H

#include "noctis/nor.h"

#define STORE_MOST_BYTES 1024

typedef struct {
    const nor_flash *nor;
    uint32_t first_sector; /* and the one after it */
    uint32_t version;      /* of what was last read or written; 0: nothing yet */
    uint8_t newest;        /* which of the two holds it */
} two_copies;

/* Find the newest good copy of exactly `length` bytes; false: there is none, `bytes` hold nothing. */
bool two_copies_load(two_copies *store, const nor_flash *nor, uint32_t first_sector, void *bytes,
                     size_t length);
/* Into the sector of the older copy; the other stays good until this one verifies. */
bool two_copies_save(two_copies *store, const void *bytes, size_t length);

#define CONFIG_URL_BYTES 128
#define CONFIG_NAME_BYTES 40
#define CONFIG_SECRET_BYTES 64

/* What provisioning leaves in the device. The private key is not in it: that stays in the port. */
typedef struct {
    uint32_t format;
    char server_url[CONFIG_URL_BYTES];
    char external_id[CONFIG_NAME_BYTES];
    char key_id[CONFIG_NAME_BYTES];
    char client_id[CONFIG_NAME_BYTES];
    char tenant_id[CONFIG_NAME_BYTES];
    char time_zone[CONFIG_NAME_BYTES];
    char wifi_name[CONFIG_NAME_BYTES];
    char wifi_secret[CONFIG_SECRET_BYTES];
} device_config;
#define CONFIG_FORMAT 1

typedef enum {
    CONFIG_OK,
    CONFIG_WRONG_FORMAT,
    CONFIG_BAD_URL,
    CONFIG_PLAIN_HTTP, /* only a development build talks without TLS */
    CONFIG_NO_IDENTITY,
} config_fault;

/* `allows_plain` is true in a development build alone. */
config_fault config_check(const device_config *config, bool allows_plain);

#endif
