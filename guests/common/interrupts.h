// Interrupts in long mode: gates, and a PC's two interrupt controllers (Intel 8259A data sheet).
#pragma once

#include "guest.h"
#include "segments.h"

/// What the CPU pushes for a handler, above the error code if there is one
/// (Intel SDM vol. 3A, "64-Bit Mode Stack Frame").
struct frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

/// An interrupt gate (Intel SDM vol. 3A, "64-Bit Mode IDT").
struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t stack;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

enum { IRQ_VECTORS = 0x20, GATE_COUNT = 0x40 };

static struct gate gates[GATE_COUNT];

/// `handler` is a function with the attribute `interrupt`.
static inline void set_gate(int vector, void *handler) {
    uint64_t offset = (uint64_t)handler;
    gates[vector] = (struct gate){
        .offset_low = (uint16_t)offset,
        .selector = KERNEL_CODE,
        .type = 0x8E,  // present, DPL 0, 64-bit interrupt gate
        .offset_middle = (uint16_t)(offset >> 16),
        .offset_high = (uint32_t)(offset >> 32),
    };
}

static inline void load_gates(void) {
    struct __attribute__((packed)) {
        uint16_t limit;
        void *base;
    } table = { sizeof gates - 1, gates };
    asm volatile("lidt %0" : : "m"(table), "m"(gates));
}

/// Sets up both controllers for vectors from IRQ_VECTORS on, and lets only the IRQs of `enabled` through, a bit for each.
static inline void set_up_pics(uint16_t enabled) {
    if (enabled >> 8) enabled |= 1 << 2;  // where the second one is connected to the first
    static const uint8_t words[][2] = { { 0x20, 0x11 }, { 0x21, IRQ_VECTORS }, { 0x21, 4 }, { 0x21, 1 },
        { 0xA0, 0x11 }, { 0xA1, IRQ_VECTORS + 8 }, { 0xA1, 2 }, { 0xA1, 1 } };
    for (unsigned word = 0; word < sizeof words / sizeof *words; word++) outb(words[word][0], words[word][1]);
    outb(0x21, (uint8_t)~enabled);
    outb(0xA1, (uint8_t)(~enabled >> 8));
}

/// The handler of an IRQ below 8 is done.
static inline void end_of_interrupt(void) { outb(0x20, 0x20); }

/// Whether the machine has PICs, which let nothing through then. Where nothing answers, a read gives all ones.
/// (CPUID does not tell on every host: under PVM the host's own answer shows through.)
static inline bool has_pics(void) {
    outb(0x21, 0xA5);
    bool answers = inb(0x21) == 0xA5;
    outb(0x21, 0xFF);
    return answers;
}

/// The same; says so when it has none.
static inline bool has_interrupt_controllers(void) {
    if (has_pics()) return true;
    print("no interrupt controllers: run this with --irqchip full\n");
    return false;
}

/// Registers of the local APIC (Intel SDM vol. 3A, "Local APIC Register Address Map").
enum { APIC_ID = 0x20, APIC_EOI = 0xB0, APIC_SPURIOUS = 0xF0 };

static inline volatile uint32_t *apic(uint32_t offset) { return (volatile uint32_t *)(0xFEE00000ull + offset); }

/// Whether interrupts come from a local APIC, which wants to hear of the end of each.
static bool uses_apic;

/// Turns the local APIC on, with spurious interrupts as vector 0xFF.
static inline void set_up_apic(void) {
    uses_apic = true;
    *apic(APIC_SPURIOUS) = 0x1FF;
}

/// The I/O APIC (Intel 82093AA data sheet): registers are chosen at 0x00 and read and written at 0x10.
static inline uint32_t io_apic_read(uint32_t index) {
    *(volatile uint32_t *)0xFEC00000ull = index;
    return *(volatile uint32_t *)0xFEC00010ull;
}

static inline void io_apic_write(uint32_t index, uint32_t value) {
    *(volatile uint32_t *)0xFEC00000ull = index;
    *(volatile uint32_t *)0xFEC00010ull = value;
}

/// Whether the machine has an I/O APIC of 24 pins.
static inline bool has_io_apic(void) { return (io_apic_read(1) & 0x00FF0000) == 0x00170000; }

enum { IO_APIC_LEVEL = 1 << 15 };

/// Lets a pin interrupt the vCPU whose local APIC has number `cpu` as `vector`, on an edge or, with IO_APIC_LEVEL, for as long as
/// the line is high.
static inline void enable_pin(uint32_t pin, uint8_t vector, uint32_t trigger, uint32_t cpu) {
    io_apic_write(0x10 + 2 * pin + 1, cpu << 24);
    io_apic_write(0x10 + 2 * pin, trigger | vector);
}

/// The number of this vCPU's local APIC.
static inline uint32_t own_number(void) { return *apic(APIC_ID) >> 24; }

enum { PIC_IRQS = 16, IO_APIC_PINS = 24 };

/// What enable_irq has let through by the PICs, a bit for each.
static uint16_t pic_irqs;

/// Has `handler` called for an IRQ, by the PICs, or by the I/O APIC where there are none or interrupts shall last as long as
/// their cause (`by_level`). False if the machine has no interrupt controllers, or none that has this IRQ.
static inline bool enable_irq(uint32_t irq, void *handler, bool by_level) {
    bool by_pic = has_pics() && !by_level && irq < PIC_IRQS;
    if (irq >= IO_APIC_PINS || (!by_pic && !has_io_apic())) return false;
    load_segments();
    set_gate(IRQ_VECTORS + (int)irq, handler);
    load_gates();
    if (by_pic) {
        pic_irqs |= (uint16_t)(1 << irq);
    } else {
        set_up_apic();
        enable_pin(irq, (uint8_t)(IRQ_VECTORS + irq), by_level ? IO_APIC_LEVEL : 0, own_number());
    }
    if (pic_irqs) set_up_pics(pic_irqs);
    return true;
}

extern const uint8_t sleep_halt[];

/// Sleeps until an interrupt was handled. Interrupts are off before and after. STI lets none in before the HLT behind it.
__attribute__((noinline)) static inline void sleep(void) {
    asm volatile("sti; sleep_halt: hlt; cli" : : : "memory");
}

/// The handler given to enable_irq, or of an interrupt of the local APIC's own, is done; sleep() must be called in the same file. An
/// interrupt that came before the HLT all the same would be slept over: the HLT is left out then. Under QEMU's emulation of AMD-V it
/// may, where the host itself was interrupted there: its VMRUN does not load the interrupt shadow, as a processor's does (AMD APM
/// vol. 2, section 15.21.5). The compiler may take the frame for a copy of its own, and what is written there for lost: volatile.
static inline void end_of_irq(struct frame *frame) {
    volatile uint64_t *rip = &frame->rip;
    if (*rip == (uint64_t)sleep_halt) *rip += 1;
    // A controller that has delivered nothing takes no notice.
    if (pic_irqs) {
        if (pic_irqs >> 8) outb(0xA0, 0x20);
        end_of_interrupt();
    }
    if (uses_apic) *apic(APIC_EOI) = 0;
}
