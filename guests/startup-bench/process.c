// The same work as a process of the host.
#include "system.h"
#include "work.h"

void show(const char *bytes, size_t count) { write_bytes(bytes, count); }

int main(void) {
    work();
    return 0;
}
