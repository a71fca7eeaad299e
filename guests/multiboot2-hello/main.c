// A kernel of Multiboot's second version, which prints what its loader tells it (Multiboot2 Specification 2.0, section 3.6).
// Output: "Multiboot 2\n", "command line: <text>\n", for each module "module <N> (<text>), <N> bytes: <its first line>\n",
// "memory: <N> MiB\n", "symbols: guest_main found\n". Status: 33.
#include "loader.h"

struct tag {
    uint32_t type, size;
    uint32_t words[];
};

void guest_main(uint32_t magic, uint32_t address) {
    require(magic == 0x36D76289, "the magic number");
    require(address % 8 == 0, "the alignment");
    print("Multiboot 2\n");
    const uint32_t *header = (const void *)pointer(address);
    const char *position = pointer(address) + 8;
    // In the order of their types, whatever the loader's is.
    static const struct tag *found[32], *modules[8];
    uint32_t module_count = 0;
    for (;;) {
        const struct tag *tag = (const void *)position;
        require(tag->size >= 8 && position + tag->size <= pointer(address) + header[0], "a tag's size");
        if (tag->type == 0) break;
        if (tag->type == 3 && module_count < 8) modules[module_count++] = tag;
        if (tag->type < 32) found[tag->type] = tag;
        position += (tag->size + 7) & ~7u;
    }
    require(position + 8 == pointer(address) + header[0], "the size of it all");
    require(found[1] && found[2] && found[4] && found[6] && found[9], "a tag");
    print_line("command line", (const char *)found[1]->words);
    require(*(const char *)found[2]->words, "no loader's name");
    for (uint32_t index = 0; index < module_count; index++) {
        print_module(
            index + 1, (const char *)&modules[index]->words[2], modules[index]->words[0], modules[index]->words[1]);
    }
    print_memory((uint64_t)(found[4]->words[1] + 1024) << 10);
    require(found[6]->words[0] >= 24 && found[6]->words[1] == 0, "the memory map");
    require(has_symbol((const elf_section *)&found[9]->words[3], found[9]->words[0], "guest_main", guest_main), "the symbols");
    print("symbols: guest_main found\n");
    end(true);
}
