#include "noctis/json_scan.h"

#include <string.h>

typedef struct {
    json_cursor cursor;
    int32_t depth;
} walker;

static bool at_end(const json_cursor *cursor) { return cursor->at >= cursor->length; }

static void skip_blanks(json_cursor *cursor) {
    while (!at_end(cursor) && strchr(" \t\r\n", cursor->text[cursor->at]) != NULL &&
           cursor->text[cursor->at] != 0) {
        cursor->at++;
    }
}

/* Behind an opening quote: to behind the closing one. Its content stays as it is spelt. */
static bool skip_string(json_cursor *cursor, size_t *start, size_t *end) {
    *start = cursor->at;
    while (!at_end(cursor)) {
        char character = cursor->text[cursor->at++];
        if (character == '\\') {
            cursor->at++;
        } else if (character == '"') {
            *end = cursor->at - 1;
            return true;
        }
    }
    return false;
}

/* To the value of the next member called `name`; at depth 1 only, unless `anywhere`. */
static bool seek(walker *walk, const char *name, bool anywhere) {
    json_cursor *cursor = &walk->cursor;
    while (!at_end(cursor)) {
        char character = cursor->text[cursor->at++];
        walk->depth += (character == '{' || character == '[') - (character == '}' || character == ']');
        size_t start, end;
        if (character != '"') {
            continue;
        }
        if (!skip_string(cursor, &start, &end)) {
            return false;
        }
        skip_blanks(cursor);
        bool is_key = !at_end(cursor) && cursor->text[cursor->at] == ':';
        if (is_key && (anywhere || walk->depth == 1) && end - start == strlen(name) &&
            memcmp(cursor->text + start, name, end - start) == 0) {
            cursor->at++;
            skip_blanks(cursor);
            return true;
        }
    }
    return false;
}

static bool read_integer(json_cursor *cursor, int64_t *value) {
    bool is_negative = !at_end(cursor) && cursor->text[cursor->at] == '-';
    size_t digits = cursor->at += is_negative;
    int64_t number = 0;
    while (!at_end(cursor) && cursor->text[cursor->at] >= '0' && cursor->text[cursor->at] <= '9') {
        if (cursor->at - digits == 18) {
            return false; /* more than 64 bits would hold is no number of ours */
        }
        number = number * 10 + (cursor->text[cursor->at++] - '0');
    }
    *value = is_negative ? -number : number;
    return cursor->at > digits && !at_end(cursor); /* at the end, digits may be missing */
}

bool json_find_string(const char *text, size_t length, const char *name, char *value, size_t size) {
    walker walk = {{text, length, 0}, 0};
    size_t start, end;
    if (!seek(&walk, name, false) || at_end(&walk.cursor) || text[walk.cursor.at] != '"') {
        return false;
    }
    walk.cursor.at++;
    if (!skip_string(&walk.cursor, &start, &end) || end - start >= size) {
        return false;
    }
    memcpy(value, text + start, end - start);
    value[end - start] = 0;
    return true;
}

bool json_find_integer(const char *text, size_t length, const char *name, int64_t *value) {
    walker walk = {{text, length, 0}, 0};
    return seek(&walk, name, false) && read_integer(&walk.cursor, value);
}

bool json_next_integer(json_cursor *cursor, const char *name, int64_t *value) {
    walker walk = {*cursor, 0};
    while (seek(&walk, name, true)) {
        if (read_integer(&walk.cursor, value)) {
            *cursor = walk.cursor;
            return true;
        }
    }
    return false;
}
