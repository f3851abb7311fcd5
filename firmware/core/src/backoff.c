#include "noctis/backoff.h"

#define DOUBLINGS 9 /* 2 s * 2^9 is more than 900 s */
#define LEAST_SPREAD_MS 1000u
/* A server that asks for more than a day is mistaken. */
#define LONGEST_ASKED_S 86400u

static uint32_t up_to(uint32_t limit_ms, uint32_t random) {
    return (uint32_t)((uint64_t)random * (limit_ms + 1u) >> 32);
}

uint32_t backoff_ms(uint32_t failures, uint32_t random) {
    uint32_t limit = BACKOFF_FIRST_MS << (failures < DOUBLINGS ? failures : DOUBLINGS);
    return up_to(limit < BACKOFF_MOST_MS ? limit : BACKOFF_MOST_MS, random);
}

uint32_t backoff_asked_ms(uint32_t retry_after_s, uint32_t random) {
    uint32_t asked = (retry_after_s < LONGEST_ASKED_S ? retry_after_s : LONGEST_ASKED_S) * 1000u;
    uint32_t spread = asked / 2 > LEAST_SPREAD_MS ? asked / 2 : LEAST_SPREAD_MS;
    return asked + up_to(spread, random);
}
