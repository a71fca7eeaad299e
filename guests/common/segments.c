#include "segments.h"
#include "platform.h"
#include <stdint.h>

enum {
    // The low two bits of a selector are the privilege level asked for.
    USER_DATA = 0x20 | 3,
    USER_CODE = 0x28 | 3,
    TASK_STATE = 0x30,
    RFLAGS_RESERVED = 0x2,  // bit 1 is always set
    RFLAGS_IOPL_3 = 0x3000,
    PORTS = 0x800,
};

/// The task-state segment (Intel SDM vol. 3A, "Task Management in 64-bit Mode"). Of use here are the stack that an exception in
/// ring 3 is handled on, and the end: a bit per port, 0 if ring 3 may use it, and a last byte of ones.
static struct __attribute__((packed)) {
    uint32_t _0;
    uint64_t kernel_stack;
    uint8_t _1[90];
    uint16_t io_map_offset;
    uint8_t io_map[PORTS / 8 + 1];
} task_state = { .io_map_offset = 104, .io_map[PORTS / 8] = 0xFF };

/// Intel SDM vol. 3A, "Segment Descriptors". In long mode base and limit of code and data count for nothing.
static _Alignas(8) uint64_t descriptors[] = {
    0,
    0,
    [KERNEL_CODE / 8] = 0x00AF9B000000FFFF,  // 64-bit code, DPL 0
    [KERNEL_DATA / 8] = 0x00CF93000000FFFF,  // writable data, DPL 0
    [USER_DATA / 8] = 0x00CFF3000000FFFF,    // writable data, DPL 3
    [USER_CODE / 8] = 0x00AFFB000000FFFF,    // 64-bit code, DPL 3
    [TASK_STATE / 8] = 0,                    // filled in below
    0,                                       // its upper half
};

void load_segments(void) {
    uint64_t base = (uint64_t)&task_state;
    // An available 64-bit TSS; the CPU marks it busy when it loads it.
    descriptors[TASK_STATE / 8] = 0x0000890000000000 | (sizeof task_state - 1) | (base & 0xFFFFFF) << 16 | (base >> 24 & 0xFF) << 56;
    descriptors[TASK_STATE / 8 + 1] = base >> 32;

    struct __attribute__((packed)) {
        uint16_t limit;
        void *base;
    } table = { sizeof descriptors - 1, descriptors };
    asm volatile("lgdt %0" : : "m"(table));
    asm volatile("ltr %w0" : : "r"(TASK_STATE) : "memory");
}

void set_kernel_stack(void *top) { task_state.kernel_stack = (uint64_t)top; }

void enter_ring3(int (*function)(const void *), const void *argument, void *stack_top) {
    load_segments();
    // IRETQ takes RIP, CS, RFLAGS, RSP and SS from the stack. There are two ways to let ring 3 use ports: I/O privilege
    // level 3, and the bits in the task-state segment. Either is enough (Intel SDM vol. 1, "Protected-Mode I/O"), but a
    // host that runs ring 3 without hardware virtualization may lose the level.
    asm volatile(
        "pushq %[ss]\n"
        "pushq %[rsp]\n"
        "pushq %[rflags]\n"
        "pushq %[cs]\n"
        "leaq 1f(%%rip), %%rax\n"
        "pushq %%rax\n"
        "iretq\n"
        "1: call *%[function]\n"
        "movw %[exit_port], %%dx\n"
        "outb %%al, %%dx\n"
        "outb %%al, %[debug_exit_port]\n"  // QEMU's
        "ud2\n"  // not reached: the write ended the run
        :
        : [ss] "i"(USER_DATA), [rsp] "r"(stack_top), [rflags] "i"(RFLAGS_RESERVED | RFLAGS_IOPL_3), [cs] "i"(USER_CODE),
          [function] "r"(function), [exit_port] "i"(EXIT_PORT),
          [debug_exit_port] "i"(DEBUG_EXIT_PORT), "D"(argument)
        : "rax", "rdx", "memory");
    __builtin_unreachable();
}
