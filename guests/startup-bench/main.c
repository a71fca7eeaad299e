// A machine's whole life with little work in it, for `compare startup`: a first byte, 100 steps of a recurrence, its result.
// Output: ">", then s in 8 hexadecimal digits and a line's end, where s = 1, and a hundred times s = s * 1664525 + 1013904223
// (mod 2^32). Status: 0 (hypercall), 1 where there are no hypercalls.
#include "guest.h"
#include "hypercall.h"
#include "work.h"

/// What was printed waits a while for more to come; a wait, even for no time, has it written out.
void show(const char *bytes, size_t count) {
    uint64_t length = count, nanoseconds = 0;
    hypercall(HYPERCALL_WRITE, bytes, &length);
    hypercall(HYPERCALL_WAIT, NULL, &nanoseconds);
}

int guest_main(void) {
    if (!has_hypercalls()) return 1;
    work();
    return 0;
}
