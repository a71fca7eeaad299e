// Counts interrupts of both timers that a PC has: the 8254 (PIT), through the PIC, and the local APIC's own.
// Needs --irqchip full.
// Output: "PIT: 10 interrupts\nlocal APIC timer: 10 interrupts\n". Status: 0 (exit port), or 1 without interrupt controllers.
#include "interrupts.h"

enum { WANTED = 10, PIT_IRQ = 0, APIC_VECTOR = 0x30 };

/// Registers of the local APIC (Intel SDM vol. 3A, "Local APIC Register Address Map").
enum { APIC_LVT_TIMER = 0x320, APIC_INITIAL_COUNT = 0x380, APIC_DIVIDE = 0x3E0 };

static volatile int ticks;

__attribute__((interrupt)) static void on_pit(struct frame *frame) {
    (void)frame;
    ticks++;
    end_of_interrupt();
}

__attribute__((interrupt)) static void on_apic_timer(struct frame *frame) {
    (void)frame;
    ticks++;
    *apic(APIC_EOI) = 0;
}

static void wait_for_ticks(const char *name) {
    while (ticks < WANTED) sleep();
    print(name);
    print(": 10 interrupts\n");
    ticks = 0;
}

int guest_main(void) {
    if (!has_interrupt_controllers()) return 1;
    load_segments();
    set_gate(IRQ_VECTORS + PIT_IRQ, on_pit);
    set_gate(APIC_VECTOR, on_apic_timer);
    load_gates();

    // Channel 0, both bytes, mode 2: 1,193,182 Hz / 1193, an interrupt each millisecond (Intel 8254 data sheet).
    outb(0x43, 0x34);
    outb(0x40, 1193 & 0xFF);
    outb(0x40, 1193 >> 8);
    set_up_pics(1 << PIT_IRQ);
    wait_for_ticks("PIT");

    set_up_pics(0);
    set_up_apic();
    *apic(APIC_DIVIDE) = 0xB;                        // count at the full rate
    *apic(APIC_LVT_TIMER) = 0x20000 | APIC_VECTOR;   // again and again
    *apic(APIC_INITIAL_COUNT) = 1000000;             // 1 ms on KVM, whose timer counts nanoseconds
    wait_for_ticks("local APIC timer");
    return 0;
}
