#include "noctis/ring.h"

#include <string.h>

void ring_init(ring *ring, void *items, uint32_t item_bytes, uint32_t capacity) {
    memset(ring, 0, sizeof *ring);
    ring->items = items;
    ring->item_bytes = item_bytes;
    ring->capacity = capacity;
}

/* Release after the item is in place, acquire before it is read: on two cores the index must not
 * be seen before what it promises. */
bool ring_put(ring *ring, const void *item) {
    uint32_t head = ring->head;
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == ring->capacity) {
        ring->refused++;
        return false;
    }
    memcpy(ring->items + (head & (ring->capacity - 1)) * ring->item_bytes, item, ring->item_bytes);
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
    return true;
}

bool ring_get(ring *ring, void *item) {
    uint32_t tail = ring->tail;
    if (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == tail) {
        return false;
    }
    memcpy(item, ring->items + (tail & (ring->capacity - 1)) * ring->item_bytes, ring->item_bytes);
    __atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}

uint32_t ring_count(const ring *ring) {
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) -
           __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}
