#include "cpus.h"

enum { PAGE = 0x10000 };

extern const uint8_t trampoline[], trampoline_end[];

/// What trampoline.S ends with.
struct __attribute__((packed)) values {
    uint16_t limit;
    uint64_t base;
    uint32_t cr4, cr3, cr0;
    uint64_t function;
};

void start_cpus(void (*function)(void)) {
    copy_bytes((uint8_t *)PAGE, trampoline, (uint64_t)(trampoline_end - trampoline));
    struct values *values = (struct values *)((uint8_t *)PAGE + (trampoline_end - trampoline) - sizeof *values);
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } table;
    uint64_t cr0, cr3, cr4;
    asm volatile("sgdt %0" : "=m"(table));
    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    *values = (struct values){ table.limit, table.base, (uint32_t)cr4, (uint32_t)cr3, (uint32_t)cr0, (uint64_t)function };
    asm volatile("" : : : "memory");
    *apic(APIC_COMMAND) = SEND_INIT_TO_OTHERS;
    relax(1000);
    *apic(APIC_COMMAND) = SEND_START_TO_OTHERS | PAGE >> 12;
}
