// A PVH kernel, which prints what its loader tells it (Xen, public/arch-x86/hvm/start_info.h). EAX means nothing.
// Output: "PVH\n", "command line: <text>\n", "memory: <N> MiB\n", and for each module its size and first line. Status: 33.
#include "loader.h"

struct start_information {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp, map;
    uint32_t map_count, reserved;
};
struct module {
    uint64_t start, size, command_line, reserved;
};
struct region {
    uint64_t start, size;
    uint32_t type, reserved;
};

void guest_main(uint32_t eax, uint32_t address) {
    (void)eax;
    const struct start_information *information = (const void *)pointer(address);
    require(information->magic == 0x336EC578, "the magic number");
    require(information->version >= 1, "the version");
    print("PVH\n");
    print_line("command line", pointer(information->command_line));
    const struct region *map = (const void *)pointer(information->map);
    for (uint32_t index = 0; index < information->map_count; index++) {
        if (map[index].type == 1 && map[index].start == 0x100000) print_memory(map[index].start + map[index].size);
    }
    const struct module *modules = (const void *)pointer(information->modules);
    for (uint32_t index = 0; index < information->module_count; index++) {
        print_module(index + 1, "", modules[index].start, modules[index].start + modules[index].size);
    }
    end(true);
}
