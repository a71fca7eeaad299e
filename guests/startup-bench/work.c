// The same on the host and in a guest, compiled once. It takes four hundred instructions, which even an interpreter is soon done with.
#include "work.h"
#include <stdint.h>

enum { STEPS = 100, DIGITS = 8 };

void work(void) {
    show(">", 1);
    uint32_t state = 1;
    for (int step = 0; step < STEPS; step++) state = state * 1664525 + 1013904223;
    char result[DIGITS + 1];
    for (int digit = 0; digit < DIGITS; digit++) result[digit] = "0123456789abcdef"[state >> (28 - 4 * digit) & 15];
    result[DIGITS] = '\n';
    show(result, sizeof result);
}
