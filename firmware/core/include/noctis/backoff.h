/* How long to wait after a failure: full jitter, so that devices that failed together return
 * apart. */
#ifndef NOCTIS_BACKOFF_H
#define NOCTIS_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 2000u
#define BACKOFF_MOST_MS 900000u

/* Uniform in 0 .. min(900 s, 2 s * 2^failures), `failures` counted from 0. */
uint32_t backoff_ms(uint32_t failures, uint32_t random);
/* What the server asked for, and up to half as much again, at least a second's spread. */
uint32_t backoff_asked_ms(uint32_t retry_after_s, uint32_t random);

#endif
