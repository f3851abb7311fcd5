/* CRC-32C guards what is in flash, CRC-32 (zlib's) is what the server echoes. */
#ifndef NOCTIS_CRC_H
#define NOCTIS_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Both continue from an earlier value; 0 starts. */
uint32_t crc32_of(uint32_t crc, const void *bytes, size_t length);
uint32_t crc32c_of(uint32_t crc, const void *bytes, size_t length);

#endif
