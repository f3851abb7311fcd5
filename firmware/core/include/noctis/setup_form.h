/* What a person types at the set-up access point becomes a configuration: whole, or not at all. */
#ifndef NOCTIS_SETUP_FORM_H
#define NOCTIS_SETUP_FORM_H

#include <stddef.h>

#include "noctis/config.h"

typedef enum {
    SETUP_OK,
    SETUP_BAD_FORM,
    SETUP_UNKNOWN_FIELD,
    SETUP_REPEATED_FIELD,
    SETUP_BAD_TEXT,
    SETUP_TOO_LONG,
    SETUP_TOO_SHORT,
    SETUP_MISSING,
    SETUP_BAD_URL,
    SETUP_PLAIN_HTTP,
    SETUP_NO_UUID,
    SETUP_FAULTS,
} setup_fault;

typedef struct {
    setup_fault fault;
    const char *field; /* of which field; NULL: of none */
} setup_verdict;

/* `application/x-www-form-urlencoded`. A field that is empty or absent stays as it is in `config`,
 * which changes only if everything holds. */
setup_verdict setup_read_form(const char *body, size_t length, bool allows_plain,
                              device_config *config);
/* A sentence for the page. */
const char *setup_says(setup_fault fault);
/* The name of field number `i`, NULL behind the last one: the page has an input for each. */
const char *setup_field(size_t i);

#endif
