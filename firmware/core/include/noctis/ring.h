/* A queue with one producer and one consumer, who may be two tasks: no lock, nobody waits.
 * Items have one size; a full ring refuses and counts. */
#ifndef NOCTIS_RING_H
#define NOCTIS_RING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t *items;
    uint32_t item_bytes, capacity; /* capacity is a power of two */
    uint32_t head, tail;           /* run freely; the producer owns head, the consumer tail */
    uint32_t refused;
} ring;

void ring_init(ring *ring, void *items, uint32_t item_bytes, uint32_t capacity);
bool ring_put(ring *ring, const void *item);
bool ring_get(ring *ring, void *item);
uint32_t ring_count(const ring *ring);

#endif
