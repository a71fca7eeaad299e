// The clocks of a machine, read one after the other for two seconds: the 8254 (PIT), the local APIC's timer, the time stamp counter, KVM's
// paravirtual clock where CPUID says that there is one, and the seconds of the CMOS clock.
// Output: a line for each, `clocks: PIT never goes back`, and so on; with the word `agree` of the command line then also
// `clocks: all agree within 1 percent`, if those whose rate is known do: the PIT (1,193,182 Hz), the local APIC's timer (1 GHz under KVM and
// QEMU), KVM's clock, and the time stamp counter by the rate that KVM's clock tells.
// Status: 0, or 1 with a line of what is wrong.
#include "command-line.h"
#include "interrupts.h"

enum { LVT_TIMER = 0x320, INITIAL_COUNT = 0x380, CURRENT_COUNT = 0x390, DIVIDE = 0x3E0, DIVIDE_BY_1 = 0xB, MASKED = 1 << 16 };
enum { PIT_RATE = 1193182, SECONDS = 2 };
/// KVM_FEATURE_CLOCKSOURCE2 and its register, and bit 0 of what is written there (Linux, Documentation/virt/kvm/x86/msr.rst).
enum { CLOCK_FEATURE = 1 << 3, CLOCK_MSR = 0x4B564D01, CLOCK_ON = 1 };

/// What KVM writes: the time at a value of the time stamp counter, and the counter's rate.
struct clock_page {
    uint32_t version, padding0;
    uint64_t time_stamp, system_time;
    uint32_t multiplier;
    int8_t shift;
    uint8_t flags, padding1[2];
};

static volatile struct clock_page __attribute__((aligned(64))) page;

static uint64_t time_stamp(void) {
    uint32_t low, high;
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/// The product of two numbers of which the second has 32 bits, without its lowest 32 bits.
static uint64_t scaled(uint64_t value, uint32_t multiplier) {
    return (value >> 32) * multiplier + ((value & 0xFFFFFFFF) * multiplier >> 32);
}

/// Nanoseconds of so many ticks of the time stamp counter.
static uint64_t nanoseconds(uint64_t ticks) {
    ticks = page.shift < 0 ? ticks >> -page.shift : ticks << page.shift;
    return scaled(ticks, page.multiplier);
}

static uint64_t kvm_time(void) {
    for (;;) {
        uint32_t version = page.version;
        asm volatile("lfence" : : : "memory");
        uint64_t time = page.system_time + nanoseconds(time_stamp() - page.time_stamp);
        asm volatile("lfence" : : : "memory");
        if (!(version & 1) && version == page.version) return time;
    }
}

static bool start_kvm_clock(void) {
    uint32_t eax = 0x40000000, ebx, ecx = 0, edx;
    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (ebx != 0x4B4D564B || ecx != 0x564B4D56) return false;  // "KVMKVMKVM"
    eax = 0x40000001, ecx = 0;
    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (!(eax & CLOCK_FEATURE)) return false;
    uint64_t value = (uint64_t)&page | CLOCK_ON;
    asm volatile("wrmsr" : : "c"(CLOCK_MSR), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
    return page.version != 0 && page.multiplier != 0;
}

/// Channel 0 counts down from 65,536, again and again (Intel 8254 data sheet, counter latch command).
static uint16_t pit_count(void) {
    outb(0x43, 0x00);
    uint16_t low = inb(0x40);
    return (uint16_t)(low | inb(0x40) << 8);
}

static uint8_t bcd(uint8_t value) { return (uint8_t)((value >> 4) * 10 + (value & 15)); }

static uint8_t cmos_seconds(void) {
    outb(0x70, 0);
    return bcd(inb(0x71));
}

static int fail(const char *name, const char *what) {
    print("clocks: ");
    print(name);
    print(what);
    return 1;
}

static void praise(const char *name) {
    print("clocks: ");
    print(name);
    print(" never goes back\n");
}

/// Whether two times differ by no more than a hundredth.
static bool agree(const char *name, uint64_t time, uint64_t wanted) {
    uint64_t difference = time > wanted ? time - wanted : wanted - time;
    if (difference <= wanted / 100) return true;
    print("clocks: ");
    print(name);
    print(" says ");
    print_decimal(time);
    print(" ns where the PIT says ");
    print_decimal(wanted);
    print("\n");
    return false;
}

int guest_main(const struct boot_params *params) {
    bool has_kvm_clock = start_kvm_clock();
    outb(0x43, 0x34);  // channel 0, both bytes, mode 2
    outb(0x40, 0);
    outb(0x40, 0);
    *apic(APIC_SPURIOUS) = 0x1FF;
    *apic(DIVIDE) = DIVIDE_BY_1;
    *apic(LVT_TIMER) = MASKED;
    *apic(INITIAL_COUNT) = 0xFFFFFFFF;

    uint64_t pit = 0, last_stamp = time_stamp(), first_stamp = last_stamp;
    uint64_t first_time = has_kvm_clock ? kvm_time() : 0, last_time = first_time;
    uint32_t last_apic = *apic(CURRENT_COUNT), first_apic = last_apic;
    uint16_t last_pit = pit_count();
    uint8_t first_second = cmos_seconds();
    // Each round takes far less than the 55 ms in which the PIT comes round.
    while (pit < (uint64_t)PIT_RATE * SECONDS) {
        uint16_t count = pit_count();
        pit += (uint16_t)(last_pit - count);
        last_pit = count;
        uint64_t stamp = time_stamp();
        if (stamp < last_stamp) return fail("time stamp counter", " goes back\n");
        last_stamp = stamp;
        uint32_t now = *apic(CURRENT_COUNT);
        if (now > last_apic) return fail("local APIC's timer", " goes back\n");
        last_apic = now;
        if (!has_kvm_clock) continue;
        uint64_t time = kvm_time();
        if (time < last_time) return fail("KVM's clock", " goes back\n");
        last_time = time;
    }
    int passed = cmos_seconds() - first_second;
    if (passed < 0) passed += 60;
    praise("PIT");
    praise("time stamp counter");
    praise("local APIC's timer");
    if (has_kvm_clock) praise("KVM's clock");
    if (!has_word(command_line(params), "agree")) return 0;
    uint64_t wanted = pit * 1000000000 / PIT_RATE;
    if (!agree("local APIC's timer", first_apic - last_apic, wanted)) return 1;
    if (has_kvm_clock && !agree("KVM's clock", last_time - first_time, wanted)) return 1;
    if (has_kvm_clock && !agree("time stamp counter", nanoseconds(last_stamp - first_stamp), wanted)) return 1;
    if (passed < SECONDS - 1 || passed > SECONDS + 1) return fail("CMOS clock", " has other seconds\n");
    print("clocks: all agree within 1 percent\n");
    return 0;
}
