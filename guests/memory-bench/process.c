// The same work as a process of the host. The end of its input ends it, too.
#include "system.h"
#include "work.h"

void show(const char *bytes, size_t count) { write_bytes(bytes, count); }

void wait_for_input(void) {
    enum { INTERRUPTED = -4 };
    char byte;
    while (read_bytes(0, &byte, 1) == INTERRUPTED) { }
}

int main(void) {
    work();
    return 0;
}
