// A Multiboot kernel in a 64-bit ELF file, which QEMU's -kernel does not take and GRUB does. It is given its own symbols.
// Output: "Multiboot 1\n", "memory: <N> MiB\n", "command line: <words behind the first>\n", "symbols: guest_main found\n". Status: 33.
#include "multiboot.h"

void guest_main(uint32_t magic, uint32_t address) {
    const struct multiboot_information *information = tell_multiboot(magic, address);
    require(information->flags & 1 << 5, "no section headers");
    require(information->section_size == sizeof(elf_section), "the size of section headers");
    const elf_section *sections = (const void *)pointer(information->sections);
    require(has_symbol(sections, information->section_count, "guest_main", guest_main), "the symbols");
    print("symbols: guest_main found\n");
    end(true);
}
