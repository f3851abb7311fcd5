/* The few facts that the device needs from an answer. Reads whatever a server or a proxy sends,
 * also half of it, and never past its end. */
#ifndef NOCTIS_JSON_SCAN_H
#define NOCTIS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *text;
    size_t length, at;
} json_cursor;

/* The value of a member of the outermost object, whatever is nested before it. */
bool json_find_string(const char *text, size_t length, const char *name, char *value, size_t size);
bool json_find_integer(const char *text, size_t length, const char *name, int64_t *value);
/* The next member of this name at any depth: for lists of problems. */
bool json_next_integer(json_cursor *cursor, const char *name, int64_t *value);

#endif
