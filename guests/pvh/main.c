// From PVH's start information to the boot parameters that the C guests read (Xen, xen/include/public/arch-x86/hvm/start_info.h).
#include "boot-params.h"
#include "guest.h"

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    uint64_t memory_map;
    uint32_t memory_map_entries, reserved;
};

struct memory_map_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};

int guest_main(const struct boot_params *);

static struct boot_params params;

int pvh_main(const struct start_info *info) {
    if (info->magic != 0x336EC578) return 1;
    // Firmware may have left the PICs on.
    outb(0x21, 0xFF);
    outb(0xA1, 0xFF);
    params.cmd_line_ptr = (uint32_t)info->command_line;
    params.ext_cmd_line_ptr = (uint32_t)(info->command_line >> 32);
    // Version 0 has none.
    const struct memory_map_entry *map = (const struct memory_map_entry *)info->memory_map;
    for (uint32_t entry = 0; info->version > 0 && entry < info->memory_map_entries && entry < 128; entry++) {
        params.e820_table[entry] = (struct e820_entry){ map[entry].start, map[entry].size, map[entry].type };
        params.e820_entries = (uint8_t)(entry + 1);
    }
    return guest_main(&params);
}
