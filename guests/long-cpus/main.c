// Starts the other vCPUs (Intel SDM vol. 3A, "Multiple-Processor (MP) Initialization"), each of which prints a line in turn, in
// the order of their local APICs' numbers; then all sleep with interrupts off, so that nothing can wake any of them.
// Needs as many --cpus as the command line says, 64 at most, and for 1 also --irqchip full or split.
// Output, with --cmdline 2: "vCPU 0\nvCPU 1\n2 vCPUs are asleep\n". Status: 0 (halted).
// More words say what they do instead of sleeping:
//   "4 and wake"   the last two wake each other for ever, by interrupts that cannot be turned off; one of them is awake at a time
//   "2 and order"  vCPU 1 prints "a" on the serial port and "b" on the debug console, 500 times, while vCPU 0 prints 200 dots on
//                  the serial port; status 0 (exit port)
//   "2 and rest"   vCPU 0 prints 100 dots on the serial port and waits by hypercall without end; vCPU 1 prints "x" there, and
//                  does nothing more that leaves the guest
//   "4 and print"  each prints its number on the debug console for ever
#include "boot-params.h"
#include "cpus.h"
#include "hypercall.h"
#include "interrupts.h"

enum { NMI = 2 };

static volatile uint32_t turn;
static volatile uint8_t is_woken[64];
static volatile bool has_finished;
static uint32_t cpu_count;
/// The first letter of what they do, or 0.
static char work;

extern const uint8_t sleep_begin[], sleep_end[];

/// One that comes between the look at `is_woken` and the HLT would be slept over: the HLT is left out then. The compiler may take
/// the frame for a copy of its own, and what is written there for lost: volatile.
__attribute__((interrupt)) static void on_nmi(struct frame *frame) {
    volatile uint64_t *rip = &frame->rip;
    is_woken[own_number() & 63] = 1;
    if (*rip >= (uint64_t)sleep_begin && *rip < (uint64_t)sleep_end) *rip = (uint64_t)sleep_end;
}

/// Sleeps until this vCPU is woken, or was since it slept last.
__attribute__((noinline)) static void sleep_until_woken(volatile uint8_t *woken) {
    asm volatile("sleep_begin: cmpb $0, (%0); jne sleep_end; hlt; sleep_end:" : : "r"(woken) : "memory", "cc");
    *woken = 0;
}

/// The last two take turns: one wakes the other, and sleeps.
_Noreturn static void wake_each_other(uint32_t number) {
    uint32_t other = number ^ 1;
    for (bool first = number & 1;; first = false) {
        if (!first) sleep_until_woken(&is_woken[number]);
        // The other one falls asleep meanwhile.
        relax(500);
        *apic(APIC_TARGET) = other << 24;
        *apic(APIC_COMMAND) = SEND_NMI;
    }
}

static void do_work(uint32_t number) {
    if (work == 'o' && number == 1) {
        for (int round = 0; round < 500; round++) {
            outb(UART_DATA, 'a');
            outb(DEBUG_PORT, 'b');
        }
        has_finished = true;
    }
    if (work == 'o' && number == 0) {
        for (int round = 0; round < 200; round++) outb(UART_DATA, '.');
        while (!has_finished) relax(1);
    }
    if (work == 'r' && number == 0) {
        for (int round = 0; round < 100; round++) outb(UART_DATA, '.');
        has_finished = true;
        static struct hypercall_request request = { .operation = HYPERCALL_WAIT, .length = ~0ull };
        asm volatile("outl %0, %1" : : "a"((uint32_t)(uint64_t)&request), "Nd"((uint16_t)HYPERCALL_PORT) : "memory");
    }
    if (work == 'r' && number == 1) {
        while (!has_finished) relax(1);
        relax(20000);
        outb(UART_DATA, 'x');
        for (;;) relax(1);
    }
    while (work == 'p') outb(DEBUG_PORT, '0' + (uint8_t)number);
}

_Noreturn static void cpu_main(void) {
    uint32_t number = own_number();
    set_up_apic();
    load_gates();
    while (turn != number) relax(1);
    print("vCPU ");
    print_decimal(number);
    print("\n");
    turn = number + 1;
    if (work == 'w' && number + 2 >= cpu_count) wake_each_other(number);
    do_work(number);
    sleep_for_ever();
}

int guest_main(const struct boot_params *params) {
    if (!has_io_apic()) {
        print("no interrupt controllers: run this with --irqchip full or split\n");
        return 1;
    }
    const char *text = (const char *)((uint64_t)params->ext_cmd_line_ptr << 32 | params->cmd_line_ptr);
    while (*text >= '0' && *text <= '9' && cpu_count <= 64) cpu_count = cpu_count * 10 + (uint32_t)(*text++ - '0');
    if (cpu_count < 1 || cpu_count > 64) {
        print("the command line does not begin with a number of vCPUs from 1 to 64\n");
        return 1;
    }
    if (text[0] == ' ' && text[1] == 'a' && text[2] == 'n' && text[3] == 'd' && text[4] == ' ') work = text[5];
    set_gate(NMI, on_nmi);
    if (cpu_count > 1) start_cpus(cpu_main);
    print("vCPU 0\n");
    set_up_apic();
    turn = 1;
    while (turn != cpu_count) relax(1);
    do_work(0);
    if (work == 'o') return 0;
    print_decimal(cpu_count);
    print(" vCPUs are asleep\n");
    sleep_for_ever();
}
