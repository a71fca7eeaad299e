// A 32-bit Multiboot kernel, which prints what its loader tells it.
// Output: "Multiboot 1\n", "memory: <N> MiB\n", "command line: <words behind the first>\n", "modules: 0\n". Status: 33.
#include "multiboot.h"

void guest_main(uint32_t magic, uint32_t address) {
    const struct multiboot_information *information = tell_multiboot(magic, address);
    print("modules: ");
    print_number(information->flags & 1 << 3 ? information->module_count : 0);
    print("\n");
    end(true);
}
