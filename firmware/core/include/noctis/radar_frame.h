/* Frames of the C1001 radar: 53 59 | control | command | length (2, big-endian) | data | sum | 54 43.
 * The parser takes bytes as they come and never waits. */
#ifndef NOCTIS_RADAR_FRAME_H
#define NOCTIS_RADAR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADAR_MOST_DATA 32 /* the longest report of the protocol carries 12 */
#define RADAR_OVERHEAD 9   /* head 2, control, command, length 2, sum, tail 2 */
#define RADAR_QUERY_BYTES (RADAR_OVERHEAD + 1)

typedef struct {
    uint8_t control, command;
    uint8_t length;
    uint8_t data[RADAR_MOST_DATA];
} radar_frame;

typedef struct {
    uint8_t bytes[RADAR_MOST_DATA + RADAR_OVERHEAD];
    uint8_t count;
    uint32_t dropped; /* bytes that belonged to no frame */
} radar_parser;

/* Add one byte; then take frames until there is none: what one byte proves false may set others
 * free. */
void radar_parser_push(radar_parser *parser, uint8_t byte);
bool radar_parser_take(radar_parser *parser, radar_frame *frame);

/* A query is the report's command with the top bit set and 0x0F as data. */
void radar_query(uint8_t control, uint8_t command, uint8_t bytes[RADAR_QUERY_BYTES]);

#endif
