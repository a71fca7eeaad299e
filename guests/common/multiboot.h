// What a Multiboot kernel is told (Multiboot Specification 0.6.96, section 3.3), as far as the guests look at it.
#pragma once

#include "loader.h"

#define MULTIBOOT_MAGIC 0x2BADB002u

struct multiboot_information {
    uint32_t flags, memory_lower, memory_upper, boot_device, command_line, module_count, modules;
    uint32_t section_count, section_size, sections, section_names;
    uint32_t map_size, map, drives_size, drives, configuration, loader_name;
};
struct multiboot_module {
    uint32_t start, end, text, reserved;
};
struct multiboot_region {
    uint32_t size;
    uint64_t start, length;
    uint32_t type;
} __attribute__((packed));

/// Prints what every loader tells, and checks that it is there.
static inline const struct multiboot_information *tell_multiboot(uint32_t magic, uint32_t address) {
    const struct multiboot_information *information = (const void *)pointer(address);
    require(magic == MULTIBOOT_MAGIC, "the magic number");
    print("Multiboot 1\n");
    require(information->flags & 1 << 0, "no memory sizes");
    // Up to 640, less what the BIOS keeps.
    require(information->memory_lower >= 600 && information->memory_lower <= 640, "the lower memory");
    print_memory((uint64_t)(information->memory_upper + 1024) << 10);
    require(information->flags & 1 << 6, "no memory map");
    uint64_t end = 0;
    for (uint32_t offset = 0; offset < information->map_size;) {
        const struct multiboot_region *region = (const void *)pointer(information->map + offset);
        if (region->type == 1 && region->start == 0x100000) end = region->start + region->length;
        offset += region->size + 4;
    }
    require((end + 0xFFFFF) >> 20 == (information->memory_upper + 2047) >> 10, "the memory map");
    require(information->flags & 1 << 2, "no command line");
    print_line("command line", skip_word(pointer(information->command_line)));
    require(information->flags & 1 << 9 && *pointer(information->loader_name), "no loader's name");
    return information;
}
