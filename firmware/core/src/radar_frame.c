#include "noctis/radar_frame.h"

#include <string.h>

#include "noctis/bytes.h"

#define HEAD_0 0x53
#define HEAD_1 0x59
#define TAIL_0 0x54
#define TAIL_1 0x43
#define QUERY_BIT 0x80
#define QUERY_DATA 0x0F
#define BEFORE_DATA 6

static uint8_t sum_of(const uint8_t *bytes, size_t length) {
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum;
}

typedef enum { NEEDS_MORE, IS_FRAME, IS_NOISE } verdict;

/* What the bytes so far begin with. A length that no report has is noise at once: waiting for its
 * end would swallow the frames after it. */
static verdict judge(const radar_parser *parser) {
    const uint8_t *bytes = parser->bytes;
    if (bytes[0] != HEAD_0 || (parser->count > 1 && bytes[1] != HEAD_1)) {
        return IS_NOISE;
    }
    if (parser->count < BEFORE_DATA) {
        return NEEDS_MORE;
    }
    uint16_t length = get_be16(bytes + 4);
    if (length > RADAR_MOST_DATA) {
        return IS_NOISE;
    }
    if (parser->count < length + RADAR_OVERHEAD) {
        return NEEDS_MORE;
    }
    const uint8_t *end = bytes + BEFORE_DATA + length;
    bool is_whole = end[0] == sum_of(bytes, BEFORE_DATA + (size_t)length) && end[1] == TAIL_0 &&
                    end[2] == TAIL_1;
    return is_whole ? IS_FRAME : IS_NOISE;
}

static void discard(radar_parser *parser, uint8_t count) {
    parser->count = (uint8_t)(parser->count - count);
    memmove(parser->bytes, parser->bytes + count, parser->count);
}

void radar_parser_push(radar_parser *parser, uint8_t byte) {
    if (parser->count == sizeof parser->bytes) { /* nobody took: the oldest byte goes */
        parser->dropped++;
        discard(parser, 1);
    }
    parser->bytes[parser->count++] = byte;
}

bool radar_parser_take(radar_parser *parser, radar_frame *frame) {
    while (parser->count > 0) {
        verdict found = judge(parser);
        if (found == NEEDS_MORE) {
            return false;
        }
        if (found == IS_FRAME) {
            frame->control = parser->bytes[2];
            frame->command = parser->bytes[3];
            frame->length = parser->bytes[5];
            memcpy(frame->data, parser->bytes + BEFORE_DATA, frame->length);
            discard(parser, (uint8_t)(frame->length + RADAR_OVERHEAD));
            return true;
        }
        /* Only one byte: the next frame may begin inside what looked like one. */
        parser->dropped++;
        discard(parser, 1);
    }
    return false;
}

void radar_query(uint8_t control, uint8_t command, uint8_t bytes[RADAR_QUERY_BYTES]) {
    const uint8_t frame[RADAR_QUERY_BYTES] = {
        HEAD_0, HEAD_1, control, command | QUERY_BIT, 0, 1, QUERY_DATA, 0, TAIL_0, TAIL_1};
    memcpy(bytes, frame, sizeof frame);
    bytes[RADAR_QUERY_BYTES - 3] = sum_of(frame, BEFORE_DATA + 1);
}
