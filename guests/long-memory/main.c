// Writes and verifies the RAM that the e820 map calls usable: every 64-bit word of up to 64 MiB; of more, one word per
// 2 MiB and the first and last of each region. Everything is written before anything is verified, each word with a
// value made from its address: memory that shows up at two places is found.
// Output: "memory: <N> bytes in <R> regions verified\n", N and R being the sizes and number of the usable regions.
// Status: 0 (exit port), or 1 after a line with the address at fault.
//
// Only the first 4 GiB are mapped at entry, so the guest builds page tables of its own, for 128 GiB at most. The work
// is done in ring 3, which runs at full speed even on hosts that interpret ring 0.
#include "boot-params.h"
#include "guest.h"
#include "segments.h"

enum { WORD = 8, SMALL = 64 << 20, LARGE_PAGE = 2 << 20, MAX_GIGABYTES = 128 };
enum { PRESENT = 1 << 0, WRITABLE = 1 << 1, USER = 1 << 2, LARGE = 1 << 7 };
enum pass { WRITE, VERIFY };

extern char image_start[], image_end[];  // from the linker script

// Three levels of page tables (Intel SDM vol. 3A, "4-Level Paging"): an entry of the second maps 1 GiB, one of the last
// 2 MiB.
static _Alignas(4096) uint64_t level4[512], level3[512], level2[MAX_GIGABYTES * 512];
static _Alignas(16) char stack[4096];

static bool is_usable(const struct e820_entry *entry) {
    return entry->type == E820_USABLE && entry->size >= 2 * WORD;
}

/// The end of the highest usable region.
static uint64_t top_of_memory(const struct boot_params *params) {
    uint64_t top = 0;
    for (int i = 0; i < params->e820_entries; i++) {
        const struct e820_entry *entry = &params->e820_table[i];
        if (is_usable(entry) && entry->start + entry->size > top) top = entry->start + entry->size;
    }
    return top;
}

/// Maps the addresses from 0 to `top` to themselves, open to ring 3.
static void map_memory(uint64_t top) {
    for (uint64_t page = 0; page * LARGE_PAGE < top; page++) {
        level2[page] = page * LARGE_PAGE | PRESENT | WRITABLE | USER | LARGE;
    }
    for (int i = 0; i < MAX_GIGABYTES; i++) {
        level3[i] = (uint64_t)&level2[i * 512] | PRESENT | WRITABLE | USER;
    }
    level4[0] = (uint64_t)level3 | PRESENT | WRITABLE | USER;
    asm volatile("movq %0, %%cr3" : : "r"(level4) : "memory");
}

/// Writes or verifies the word at `address`, unless this program itself is there.
static bool visit(uint64_t address, enum pass pass) {
    if (address + WORD > (uint64_t)image_start && address < (uint64_t)image_end) return true;
    volatile uint64_t *word = (volatile uint64_t *)address;
    uint64_t expected = ~address;
    if (pass == WRITE) {
        *word = expected;
        return true;
    }
    uint64_t found = *word;
    if (found == expected) return true;
    print("memory: ");
    print_hex(address, 16);
    print(" holds ");
    print_hex(found, 16);
    print(", not ");
    print_hex(expected, 16);
    print("\n");
    return false;
}

static uint64_t round_up(uint64_t address, uint64_t unit) {
    return (address + unit - 1) / unit * unit;
}

/// The words between the edges are at multiples of `step`, in all regions alike: where two places share memory, these
/// words meet.
static bool visit_region(const struct e820_entry *entry, uint64_t step, enum pass pass) {
    uint64_t first = round_up(entry->start, WORD);
    uint64_t last = (entry->start + entry->size) / WORD * WORD - WORD;
    for (uint64_t address = round_up(first, step); address < last; address += step) {
        if (!visit(address, pass)) return false;
    }
    return visit(first, pass) && visit(last, pass);
}

static int in_ring3(const void *argument) {
    const struct boot_params *params = argument;
    uint64_t bytes = 0, regions = 0;
    for (int i = 0; i < params->e820_entries; i++) {
        if (!is_usable(&params->e820_table[i])) continue;
        bytes += params->e820_table[i].size;
        regions++;
    }

    uint64_t step = bytes <= SMALL ? WORD : LARGE_PAGE;
    for (enum pass pass = WRITE; pass <= VERIFY; pass++) {
        for (int i = 0; i < params->e820_entries; i++) {
            const struct e820_entry *entry = &params->e820_table[i];
            if (is_usable(entry) && !visit_region(entry, step, pass)) return 1;
        }
    }

    print("memory: ");
    print_decimal(bytes);
    print(" bytes in ");
    print_decimal(regions);
    print(" regions verified\n");
    return 0;
}

int guest_main(const struct boot_params *params) {
    uint64_t top = top_of_memory(params);
    if (top > (uint64_t)MAX_GIGABYTES << 30) {
        print("memory: RAM up to ");
        print_hex(top, 16);
        print(", but this guest maps 128 GiB\n");
        return 1;
    }
    map_memory(top);
    enter_ring3(in_ring3, params, stack + sizeof stack);
}
