// Finds ACPI's tables as an operating system does without help, from the RSDP in the BIOS's memory on, checks them, and lists the
// processors.
// Output with one vCPU, on any machine that has ACPI:
//     RSDP: checksum is right
//     FACP: checksum is right
//     FACS: found
//     DSDT: checksum is right
//     APIC: checksum is right
//     processor 0: local APIC 0
//     ok
// Status: 0, or 1 where something is wrong. More words on the command line say what it does then, each by what the tables say, instead of
// ending so:
//   "off"     switches the machine off: sleep type of \_S5 and SLP_EN
//   "reset"   resets it by the reset register
//   "button"  prints "waiting", sleeps until the power button interrupts by the SCI, prints "power button", and switches the machine off
//   "timer"   waits for 100 ticks of the PM timer, and goes on
//   "spin"    does nothing for ever
//   "panic"   tells of a panic at QEMU's panic port, 0x505
#include "command-line.h"
#include "interrupts.h"

enum { POWER_BUTTON = 1 << 8, SCI_ENABLED = 1, SLEEP_ENABLE = 1 << 13 };

struct __attribute__((packed)) rsdp {
    char signature[8];
    uint8_t checksum;
    char maker[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
};

struct __attribute__((packed)) table {
    char signature[4];
    uint32_t length;
    uint8_t rest[28];
    uint8_t content[];
};

/// Offsets in the FADT (ACPI 6.5 section 5.2.9).
enum { FADT_FACS = 36, FADT_DSDT = 40, FADT_SCI = 46, FADT_EVENTS = 56, FADT_CONTROL = 64, FADT_TIMER = 76 };
enum { FADT_RESET = 116, FADT_RESET_VALUE = 128 };

static const struct table *fadt;

static inline uint16_t inw(uint16_t port) {
    uint16_t value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t inl(uint16_t port) {
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void outw(uint16_t port, uint16_t value) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static uint32_t fadt_word(int offset) {
    const uint8_t *at = (const uint8_t *)fadt + offset;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool adds_up(const void *bytes, uint32_t count) {
    uint8_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += ((const uint8_t *)bytes)[i];
    return sum == 0;
}

static bool check(const char *name, const void *bytes, uint32_t count) {
    bool is_right = adds_up(bytes, count);
    print(name);
    print(is_right ? ": checksum is right\n" : ": CHECKSUM IS WRONG\n");
    return is_right;
}

static bool is_named(const void *bytes, const char *name, uint64_t count) { return has_equal_bytes(bytes, name, count); }

static const struct rsdp *find_rsdp(void) {
    for (uint64_t at = 0xE0000; at < 0x100000; at += 16) {
        const struct rsdp *rsdp = (const struct rsdp *)at;
        if (is_named(rsdp, "RSD PTR ", 8) && adds_up(rsdp, 20)) return rsdp;
    }
    return NULL;
}

/// By the XSDT where there is one, else by the RSDT.
static const struct table *find_table(const struct rsdp *rsdp, const char *signature) {
    bool is_long = rsdp->revision >= 2 && rsdp->xsdt;
    const struct table *root = (const struct table *)(is_long ? rsdp->xsdt : rsdp->rsdt);
    uint32_t size = is_long ? 8 : 4;
    for (uint32_t at = 0; at + size <= root->length - sizeof *root; at += size) {
        uint64_t address = 0;
        copy_bytes(&address, root->content + at, size);
        if (is_named((const void *)address, signature, 4)) return (const struct table *)address;
    }
    return NULL;
}

/// Of the MADT, those that may be used (section 5.2.12.2).
static void list_processors(const struct table *madt) {
    const uint8_t *end = (const uint8_t *)madt + madt->length;
    for (const uint8_t *entry = madt->content + 8; entry + 2 <= end && entry[1] >= 2; entry += entry[1]) {
        if (entry[0] != 0 || !(entry[4] & 1)) continue;
        print("processor ");
        print_decimal(entry[2]);
        print(": local APIC ");
        print_decimal(entry[3]);
        print("\n");
    }
}

/// The first number of \_S5, which a hobbyist's kernel finds like this: name, package, its length of one byte, its count.
static uint16_t soft_off_type(const struct table *dsdt) {
    const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;
    for (const uint8_t *at = dsdt->content; at + 9 <= end; at++) {
        if (is_named(at, "_S5_", 4) && at[4] == 0x12) return at[7] == 0x0A ? at[8] : at[7];
    }
    return 0;
}

static void switch_off(const struct table *dsdt) {
    outw((uint16_t)fadt_word(FADT_CONTROL), (uint16_t)(soft_off_type(dsdt) << 10 | SLEEP_ENABLE));
}

static volatile bool was_pressed;

__attribute__((interrupt)) static void on_sci(struct frame *frame) {
    uint16_t events = (uint16_t)fadt_word(FADT_EVENTS);
    uint16_t status = inw(events);
    outw(events, status);
    if (status & POWER_BUTTON) was_pressed = true;
    end_of_irq(frame);
}

static bool wait_for_power_button(void) {
    uint16_t events = (uint16_t)fadt_word(FADT_EVENTS);
    if (!enable_irq(fadt_word(FADT_SCI) & 0xFFFF, on_sci, true)) return false;
    if (!(inw((uint16_t)fadt_word(FADT_CONTROL)) & SCI_ENABLED)) return false;
    outw(events, 0xFFFF);
    outw(events + 2, POWER_BUTTON);
    print("waiting\n");
    while (!was_pressed) sleep();
    print("power button\n");
    return true;
}

static void wait_for_ticks(uint32_t count) {
    uint16_t timer = (uint16_t)fadt_word(FADT_TIMER);
    uint32_t start = inl(timer);
    while (((inl(timer) - start) & 0xFFFFFF) < count) { }
}

int guest_main(const struct boot_params *params) {
    const char *words = command_line(params);
    const struct rsdp *rsdp = find_rsdp();
    if (!rsdp) {
        print("no ACPI: run this with --irqchip full or split\n");
        return 1;
    }
    bool is_right = check("RSDP", rsdp, rsdp->revision >= 2 ? rsdp->length : 20);
    fadt = find_table(rsdp, "FACP");
    const struct table *madt = find_table(rsdp, "APIC");
    if (!fadt || !madt) {
        print("FACP or APIC is missing\n");
        return 1;
    }
    const struct table *dsdt = (const struct table *)(uint64_t)fadt_word(FADT_DSDT);
    is_right &= check("FACP", fadt, fadt->length);
    is_right &= is_named((const void *)(uint64_t)fadt_word(FADT_FACS), "FACS", 4);
    print("FACS: found\n");
    is_right &= check("DSDT", dsdt, dsdt->length);
    is_right &= check("APIC", madt, madt->length);
    list_processors(madt);
    if (has_word(words, "timer")) wait_for_ticks(100);
    if (!is_right) return 1;
    print("ok\n");
    if (has_word(words, "button") && !wait_for_power_button()) return 1;
    if (has_word(words, "button") || has_word(words, "off")) switch_off(dsdt);
    if (has_word(words, "reset")) outb((uint16_t)fadt_word(FADT_RESET + 4), (uint8_t)fadt_word(FADT_RESET_VALUE));
    if (has_word(words, "panic")) outb(0x505, 1);
    while (has_word(words, "spin")) asm volatile("pause");
    return 0;
}
