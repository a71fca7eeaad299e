// The other vCPUs of a machine (Intel SDM vol. 3A, "Multiple-Processor (MP) Initialization").
#pragma once

#include "interrupts.h"

/// Registers of the local APIC (Intel SDM vol. 3A, "Local APIC Register Address Map").
enum { APIC_COMMAND = 0x300, APIC_TARGET = 0x310 };

/// Interrupt commands (Intel SDM vol. 3A, "Interrupt Command Register (ICR)"). Those without APIC_TARGET go to all but this vCPU.
enum { SEND_NMI = 0x4400, SEND_INIT_TO_OTHERS = 0xC4500, SEND_START_TO_OTHERS = 0xC4600 };

/// Starts all other vCPUs, up to 64. Each calls `function` in ring 0, with this vCPU's segments and page tables, interrupts off, no
/// gates, and a stack of 4 KiB. Takes the page at 0x10000.
void start_cpus(void (*function)(void));

static inline void relax(int rounds) {
    while (rounds--) asm volatile("pause");
}

/// With interrupts off nothing can end that.
_Noreturn static inline void sleep_for_ever(void) {
    for (;;) asm volatile("cli; hlt");
}
