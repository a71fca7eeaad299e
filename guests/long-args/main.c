// Prints what the monitor tells the guest in the boot parameters: the command line, and the e820 memory map.
// Output: "command line: <text>", then a line per e820 entry such as
// "e820: 0x0000000000000000-0x000000000000ffff reserved". Status: 0 (exit port).
#include "boot-params.h"
#include "guest.h"

static void print_type(uint32_t type) {
    switch (type) {
    case E820_USABLE: print("usable"); break;
    case E820_RESERVED: print("reserved"); break;
    case E820_ACPI_DATA: print("ACPI data"); break;
    case E820_ACPI_NVS: print("ACPI NVS"); break;
    case E820_UNUSABLE: print("unusable"); break;
    default:
        print("type ");
        print_decimal(type);
    }
}

int guest_main(const struct boot_params *params) {
    uint64_t address = (uint64_t)params->ext_cmd_line_ptr << 32 | params->cmd_line_ptr;
    print("command line: ");
    if (address) print((const char *)address);
    print("\n");

    for (int i = 0; i < params->e820_entries; i++) {
        const struct e820_entry *entry = &params->e820_table[i];
        print("e820: ");
        print_hex(entry->start, 16);
        print("-");
        print_hex(entry->start + entry->size - 1, 16);  // the last byte, as Linux prints it
        print(" ");
        print_type(entry->type);
        print("\n");
    }
    return 0;
}
