// The same on the host and in a guest, compiled once.
#include "work.h"
#include <stdint.h>

enum { PAGE = 4096, PAGES = 2048, DIGITS = 8 };

/// Page by page, so that an interpreter is soon done: a page that is touched is all there.
static volatile uint32_t memory[PAGES][PAGE / 4];

void work(void) {
    uint32_t state = 1, sum = 0;
    for (int page = 0; page < PAGES; page++) {
        state = state * 1664525 + 1013904223;
        memory[page][0] = state;
    }
    for (int page = 0; page < PAGES; page++) sum += memory[page][0];
    char result[DIGITS + 1];
    for (int digit = 0; digit < DIGITS; digit++) result[digit] = "0123456789abcdef"[sum >> (28 - 4 * digit) & 15];
    result[DIGITS] = '\n';
    show(result, sizeof result);
    wait_for_input();
}
