// A Multiboot kernel that prints its modules.
// Output: "Multiboot 1\n", "memory: <N> MiB\n", "command line: <words behind the first>\n", and for each module
// "module <N> (<words behind the first>), <N> bytes: <its first line>\n". Status: 33.
#include "multiboot.h"

extern char image_start[], bss_end[];

void guest_main(uint32_t magic, uint32_t address) {
    const struct multiboot_information *information = tell_multiboot(magic, address);
    require(information->flags & 1 << 3, "no modules");
    const struct multiboot_module *modules = (const void *)pointer(information->modules);
    for (uint32_t index = 0; index < information->module_count; index++) {
        bool is_beside = pointer(modules[index].start) >= bss_end || pointer(modules[index].end) <= image_start;
        require(is_beside, "a module's place");
        print_module(index + 1, skip_word(pointer(modules[index].text)), modules[index].start, modules[index].end);
    }
    end(true);
}
