// The kernel command line: words split by blanks.
#pragma once

#include "boot-params.h"
#include <stdbool.h>

static inline const char *command_line(const struct boot_params *params) {
    uint64_t address = (uint64_t)params->ext_cmd_line_ptr << 32 | params->cmd_line_ptr;
    return address ? (const char *)address : "";
}

static inline bool is_end_of_word(const char *text) { return !*text || *text == ' '; }

/// What follows `prefix` in a text that begins with it, or NULL.
static inline const char *skip_prefix(const char *text, const char *prefix) {
    while (*prefix && *text == *prefix) {
        text++;
        prefix++;
    }
    return *prefix ? NULL : text;
}

/// What follows `key` in the first word at or behind `text` that begins with it; NULL if none does.
static inline const char *find_word(const char *text, const char *key) {
    for (;;) {
        while (*text == ' ') text++;
        if (!*text) return NULL;
        const char *rest = skip_prefix(text, key);
        if (rest) return rest;
        while (!is_end_of_word(text)) text++;
    }
}

static inline bool has_word(const char *text, const char *word) {
    while ((text = find_word(text, word))) {
        if (is_end_of_word(text)) return true;
        while (!is_end_of_word(text)) text++;  // a longer word
    }
    return false;
}

/// Reads a number below 2^60, decimal or with 0x in front, and moves `text` behind it. False if there is none.
static inline bool parse_number(const char **text, uint64_t *value) {
    const char *at = *text;
    unsigned base = 10;
    if (at[0] == '0' && (at[1] | 0x20) == 'x') {
        base = 16;
        at += 2;
    }
    const char *first = at;
    *value = 0;
    for (;; at++) {
        unsigned digit = (unsigned)(*at - '0');
        unsigned letter = (unsigned)((*at | 0x20) - 'a');
        if (digit > 9) digit = letter < 6 ? letter + 10 : 16;
        if (digit >= base) break;
        *value = *value * base + digit;
        if (*value >> 60) return false;
    }
    *text = at;
    return at != first;
}
