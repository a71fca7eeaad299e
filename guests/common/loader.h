// What the kernels share that a boot loader tells about the machine: printing in 32 bits, and ending so that QEMU ends too.
// Their output is the same whoever loads them, as far as the loaders agree.
#pragma once

#include "guest.h"

// QEMU itself ends with 1 when it fails.
#define DEBUG_EXIT_GOOD 0x10  // status 33
#define DEBUG_EXIT_BAD 0x11   // status 35

__attribute__((noreturn)) static inline void end(bool is_good) {
    outb(DEBUG_EXIT_PORT, is_good ? DEBUG_EXIT_GOOD : DEBUG_EXIT_BAD);
    for (;;) asm volatile("cli; hlt");
}

/// Ends when something is not as it should be.
static inline void require(bool is_right, const char *what) {
    if (is_right) return;
    print("wrong: ");
    print(what);
    print("\n");
    end(false);
}

static inline void print_number(uint32_t value) {
    char digits[11];
    char *first = digits + sizeof digits;
    *--first = 0;
    do *--first = (char)('0' + value % 10); while (value /= 10);
    print(first);
}

static inline const char *pointer(uint64_t address) { return (const char *)(uintptr_t)address; }

/// Behind the first word and the spaces that follow it.
static inline const char *skip_word(const char *text) {
    while (*text && *text != ' ') text++;
    while (*text == ' ') text++;
    return text;
}

static inline bool is_equal_text(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

/// "name: text"
static inline void print_line(const char *name, const char *text) {
    print(name);
    print(": ");
    print(text);
    print("\n");
}

/// Of the RAM from 1 MiB on, whose end is at `end`: loaders keep some of the last MiB for tables.
static inline void print_memory(uint64_t end) {
    print("memory: ");
    print_number((uint32_t)((end + 0xFFFFF) >> 20));
    print(" MiB\n");
}

/// A module's number from 1 on, its text, and its contents as far as they are one line.
static inline void print_module(uint32_t number, const char *text, uint64_t start, uint64_t end) {
    require(start % 4096 == 0, "a module's alignment");
    print("module ");
    print_number(number);
    print(" (");
    print(text);
    print("), ");
    print_number((uint32_t)(end - start));
    print(" bytes: ");
    for (const char *byte = pointer(start); byte < pointer(end) && *byte != '\n'; byte++) print_byte(*byte);
    print("\n");
}

struct elf32_section {
    uint32_t name, type, flags, address, offset, size, link, information, alignment, entry_size;
};
struct elf32_symbol {
    uint32_t name, value, size;
    uint8_t information, other;
    uint16_t section;
};
struct elf64_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, information;
    uint64_t alignment, entry_size;
};
struct elf64_symbol {
    uint32_t name;
    uint8_t information, other;
    uint16_t section;
    uint64_t value, size;
};

#ifdef __x86_64__
typedef struct elf64_section elf_section;
typedef struct elf64_symbol elf_symbol;
#else
typedef struct elf32_section elf_section;
typedef struct elf32_symbol elf_symbol;
#endif

/// Whether the symbol of that name is among those of the image's own section headers, and is this address.
static inline bool has_symbol(const elf_section *sections, uint32_t count, const char *name, const void *address) {
    for (uint32_t index = 0; index < count; index++) {
        const elf_section *table = &sections[index];
        if (table->type != 2 || !table->address || table->link >= count) continue;
        const elf_symbol *symbols = (const elf_symbol *)pointer(table->address);
        const char *names = pointer(sections[table->link].address);
        for (uint32_t symbol = 0; symbol < table->size / sizeof *symbols; symbol++) {
            if (is_equal_text(names + symbols[symbol].name, name)) return pointer(symbols[symbol].value) == address;
        }
    }
    return false;
}
