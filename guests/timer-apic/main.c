// The local APIC's timer in the modes that it has (Intel SDM vol. 3A, "APIC Timer"): ten interrupts of one that repeats, one of one that
// does not, and, where CPUID says that there is such, one at a value of the time stamp counter.
// Output: "timer-apic: 10 interrupts of a timer that repeats\ntimer-apic: 1 of one that does not\ntimer-apic: 1 at a deadline\n", the last
// line with "no deadlines here" instead where CPUID says so. Status: 0, or 1 with a line of what is missing.
#include "command-line.h"
#include "interrupts.h"

enum { LVT_TIMER = 0x320, INITIAL_COUNT = 0x380, DIVIDE = 0x3E0, DIVIDE_BY_1 = 0xB };
enum { VECTOR = 0x30, REPEATS = 1 << 17, DEADLINE = 2 << 17, DEADLINE_MSR = 0x6E0 };

static volatile int ticks;

__attribute__((interrupt)) static void on_timer(struct frame *frame) {
    ticks++;
    end_of_irq(frame);
}

static void wait_for(int wanted) {
    while (ticks < wanted) sleep();
}

static uint64_t time_stamp(void) {
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static bool has_deadlines(void) {
    uint32_t eax = 1, ebx, ecx = 0, edx;
    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx >> 24 & 1;
}

int guest_main(const struct boot_params *params) {
    (void)params;
    load_segments();
    set_gate(VECTOR, on_timer);
    load_gates();
    set_up_apic();
    *apic(DIVIDE) = DIVIDE_BY_1;
    *apic(LVT_TIMER) = REPEATS | VECTOR;
    *apic(INITIAL_COUNT) = 1000000;
    wait_for(10);
    *apic(INITIAL_COUNT) = 0;
    print("timer-apic: 10 interrupts of a timer that repeats\n");
    ticks = 0;
    *apic(LVT_TIMER) = VECTOR;
    *apic(INITIAL_COUNT) = 1000000;
    wait_for(1);
    print("timer-apic: 1 of one that does not\n");
    if (!has_deadlines()) {
        print("timer-apic: no deadlines here\n");
        return 0;
    }
    ticks = 0;
    *apic(LVT_TIMER) = DEADLINE | VECTOR;
    uint64_t end = time_stamp() + 10000000;
    asm volatile("wrmsr" : : "c"(DEADLINE_MSR), "a"((uint32_t)end), "d"((uint32_t)(end >> 32)));
    wait_for(1);
    if (time_stamp() < end) {
        print("timer-apic: a deadline came too early\n");
        return 1;
    }
    print("timer-apic: 1 at a deadline\n");
    return 0;
}
