// Reads and writes model-specific registers: one that no processor has, one that takes no such value, and one that can be read.
// Output: "RDMSR 0xbadc0de: #GP, error 0x0\nWRMSR 0xbadc0de: #GP, error 0x0\nWRMSR 0xc0000080: #GP, error 0x0\n", then
// "RDMSR 0xc0000080: long mode is active\n".
// Status: 0 (exit port), or 1 if an exception did not come, or came where it should not.
#include "interrupts.h"

enum { GENERAL_PROTECTION = 13 };

#define UNKNOWN_MSR 0x0BADC0DE
#define EFER 0xC0000080  // Intel SDM vol. 3A section 2.2.1
#define EFER_LONG_MODE_ACTIVE (1 << 10)
#define EFER_RESERVED (1ull << 63)

static uint64_t resume;  // where to go on after the exception
static int caught;

// Keeps all registers, takes the error code off the stack and returns by IRETQ. A fault's RIP is that of the instruction itself.
__attribute__((interrupt)) static void on_general_protection(struct frame *frame, uint64_t error) {
    volatile struct frame *own = frame;  // or the compiler takes the write for one that nobody reads
    print("#GP, error ");
    print_hex(error, 1);
    print("\n");
    caught++;
    own->rip = resume;
}

/// What the register holds, or `instead` where reading it faults: RDMSR changes nothing then.
static uint64_t read_msr(uint32_t number, uint64_t instead) {
    uint32_t low = (uint32_t)instead, high = (uint32_t)(instead >> 32);
    print("RDMSR ");
    print_hex(number, 1);
    print(": ");
    asm volatile("leaq 1f(%%rip), %%rbx; movq %%rbx, %[resume]; rdmsr; 1:"
                 : [resume] "=m"(resume), "+a"(low), "+d"(high) : "c"(number) : "rbx", "memory");
    return (uint64_t)high << 32 | low;
}

static void write_msr(uint32_t number, uint64_t value) {
    print("WRMSR ");
    print_hex(number, 1);
    print(": ");
    asm volatile("leaq 1f(%%rip), %%rbx; movq %%rbx, %[resume]; wrmsr; 1:"
                 : [resume] "=m"(resume) : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(number)
                 : "rbx", "memory");
}

int guest_main(void) {
    const uint64_t instead = 0x0123456789ABCDEF;
    load_segments();
    set_gate(GENERAL_PROTECTION, on_general_protection);
    load_gates();
    if (read_msr(UNKNOWN_MSR, instead) != instead) {
        print("the register was read\n");
        return 1;
    }
    write_msr(UNKNOWN_MSR, 1);
    write_msr(EFER, EFER_RESERVED);
    uint64_t efer = read_msr(EFER, instead);
    print(efer & EFER_LONG_MODE_ACTIVE && !(efer & EFER_RESERVED) ? "long mode is active\n" : "long mode is not active\n");
    return caught == 3 ? 0 : 1;
}
