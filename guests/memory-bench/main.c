// Holds 8 MiB of memory, for `compare memory`: writes a word to each of 2,048 pages, shows the sum of what it reads there, and waits for
// a byte of input.
// Output: the sum of s of all pages in 8 hexadecimal digits and a line's end, where s = 1, and for each page s = s * 1664525 +
// 1013904223 (all mod 2^32). Status: 0 when a byte came (hypercall), 1 where there are no hypercalls.
#include "guest.h"
#include "hypercall.h"
#include "work.h"

void show(const char *bytes, size_t count) {
    uint64_t length = count;
    hypercall(HYPERCALL_WRITE, bytes, &length);
}

/// The wait has written out what was printed, too.
void wait_for_input(void) {
    uint8_t byte = 0;
    uint64_t count;
    do {
        uint64_t nanoseconds = ~0ull;
        hypercall(HYPERCALL_WAIT, NULL, &nanoseconds);
        count = 1;
        hypercall(HYPERCALL_READ, &byte, &count);
    } while (count != 1);
}

int guest_main(void) {
    if (!has_hypercalls()) return 1;
    work();
    return 0;
}
