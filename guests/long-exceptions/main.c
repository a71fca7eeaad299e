// Causes exceptions, catches each in a handler of its own, prints what the CPU tells about it, and goes on behind the
// instruction at fault.
// Output: "caught #DE (vector 0)\ncaught #UD (vector 6)\n", then
// "caught #PF (vector 14), error 0x0, address 0x123456789abc\n" (a read) and the same with error 0x2 (a write), then
// "caught #GP (vector 13), error 0x0\n" (a malformed address) and the same with error 0xf8 (a selector out of range).
// Status: 0 (exit port), or 1 if one was not caught.
#include "interrupts.h"

enum { DIVIDE_ERROR = 0, INVALID_OPCODE = 6, GENERAL_PROTECTION = 13, PAGE_FAULT = 14 };

#define UNMAPPED 0x123456789ABC          // canonical, but in no page table
#define NON_CANONICAL 0x8000000000000000 // bits 63 down to 47 (or 56, with 5-level paging) are not all alike
#define BAD_SELECTOR 0xF8                // beyond the descriptor table's end

static uint64_t resume;  // where to go on after the next exception
static int caught;

/// Runs an instruction that faults, with `value` in the register called %[operand].
/// A fault's RIP is that of the instruction itself: without another RIP to go on at, it would be run again for ever.
#define FAULT(instruction, value)            \
    asm volatile(                            \
        "leaq 1f(%%rip), %%rax\n"            \
        "movq %%rax, %[resume]\n"            \
        instruction "\n"                     \
        "1:"                                 \
        : [resume] "=m"(resume)              \
        : [operand] "r"((uint64_t)(value))   \
        : "rax", "rdx", "memory", "cc")

/// The end of every handler. Volatile, because the compiler takes the frame for an argument that nobody reads later.
static void go_on(volatile struct frame *frame) {
    print("\n");
    caught++;
    frame->rip = resume;
}

// The attribute makes functions that keep all registers, take the error code off the stack, and return by IRETQ.
__attribute__((interrupt)) static void on_divide_error(struct frame *frame) {
    print("caught #DE (vector 0)");
    go_on(frame);
}

__attribute__((interrupt)) static void on_invalid_opcode(struct frame *frame) {
    print("caught #UD (vector 6)");
    go_on(frame);
}

__attribute__((interrupt)) static void on_general_protection(struct frame *frame, uint64_t error) {
    print("caught #GP (vector 13), error ");
    print_hex(error, 1);
    go_on(frame);
}

__attribute__((interrupt)) static void on_page_fault(struct frame *frame, uint64_t error) {
    uint64_t address;
    asm volatile("movq %%cr2, %0" : "=r"(address));
    print("caught #PF (vector 14), error ");
    print_hex(error, 1);
    print(", address ");
    print_hex(address, 1);
    go_on(frame);
}

static void set_gates(void) {
    set_gate(DIVIDE_ERROR, on_divide_error);
    set_gate(INVALID_OPCODE, on_invalid_opcode);
    set_gate(GENERAL_PROTECTION, on_general_protection);
    set_gate(PAGE_FAULT, on_page_fault);
    load_gates();
}

int guest_main(void) {
    load_segments();
    set_gates();
    FAULT("movl $1, %%eax; xorl %%edx, %%edx; divl %k[operand]", 0);
    FAULT("ud2", 0);
    FAULT("movb (%[operand]), %%al", UNMAPPED);
    FAULT("movb %%al, (%[operand])", UNMAPPED);
    FAULT("movb (%[operand]), %%al", NON_CANONICAL);
    FAULT("movw %w[operand], %%fs", BAD_SELECTOR);
    return caught == 6 ? 0 : 1;
}
