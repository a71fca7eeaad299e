// The boot parameters that RSI points to at entry: Linux's "zero page", the part that the guests read
// (Linux, Documentation/arch/x86/zero-page.rst and boot.rst).
#pragma once

#include <stddef.h>
#include <stdint.h>

enum e820_type {
    E820_USABLE = 1,
    E820_RESERVED = 2,
    E820_ACPI_DATA = 3,
    E820_ACPI_NVS = 4,
    E820_UNUSABLE = 5,
};

struct __attribute__((packed)) e820_entry {
    uint64_t start;
    uint64_t size;
    uint32_t type;
};

struct __attribute__((packed)) boot_params {
    uint8_t _0[0x0C8];
    uint32_t ext_cmd_line_ptr;      // upper half of the command line's address
    uint8_t _1[0x1E8 - 0x0CC];
    uint8_t e820_entries;
    uint8_t _2[0x228 - 0x1E9];
    uint32_t cmd_line_ptr;          // lower half
    uint8_t _3[0x2D0 - 0x22C];
    struct e820_entry e820_table[128];
};

_Static_assert(offsetof(struct boot_params, ext_cmd_line_ptr) == 0x0C8, "");
_Static_assert(offsetof(struct boot_params, e820_entries) == 0x1E8, "");
_Static_assert(offsetof(struct boot_params, cmd_line_ptr) == 0x228, "");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2D0, "");
_Static_assert(sizeof(struct e820_entry) == 20, "");
