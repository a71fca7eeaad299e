// Byte by byte or string by string through a port, and by hypercall. The loops are short: the exits are what is measured.
#include "bench.h"
#include "hypercall.h"

/// A port that nothing answers at reads as all ones.
static bool has_uart(void) { return inb(UART_LINE_STATUS) != 0xFF; }

static int no_uart(void) { return fail(NO_DEVICE, "no serial port"); }

/// Two instructions for each byte but for every 16th.
static void out_bytes(uint16_t port, const struct options *options) {
    struct progress progress = { options->bytes, 0 };
    while (progress.left) {
        uint32_t length;
        const uint8_t *bytes = next_piece(&progress, LARGEST_BUFFER, &length);
        uint32_t rounds = length / 16;
        if (rounds) {
            asm volatile("1: .rept 16; lodsb; outb %%al, %%dx; .endr; decl %%ecx; jnz 1b"
                         : "+S"(bytes), "+c"(rounds) : "d"(port) : "rax", "memory", "cc");
        }
        for (uint32_t rest = length % 16; rest; rest--) outb(port, *bytes++);
    }
}

int write_blind(const struct options *options) {
    if (!has_uart()) return no_uart();
    out_bytes(UART_DATA, options);
    return GIVEN_AWAY;
}

int write_polled(const struct options *options) {
    if (!has_uart()) return no_uart();
    struct progress progress = { options->bytes, 0 };
    while (progress.left) {
        uint32_t length;
        const uint8_t *bytes = next_piece(&progress, LARGEST_BUFFER, &length);
        uint64_t count = length;
        asm volatile("1: movw %[status], %%dx; 2: inb %%dx, %%al; testb %[empty], %%al; jz 2b\n"
                     "movw %[data], %%dx; lodsb; outb %%al, %%dx; loop 1b"
                     : "+S"(bytes), "+c"(count)
                     : [status] "i"(UART_LINE_STATUS), [data] "i"(UART_DATA), [empty] "i"(LSR_THR_EMPTY)
                     : "rax", "rdx", "memory", "cc");
    }
    return GIVEN_AWAY;
}

int write_strings(const struct options *options) {
    if (!has_uart()) return no_uart();
    struct progress progress = { options->bytes, 0 };
    while (progress.left) {
        uint32_t length;
        const uint8_t *bytes = next_piece(&progress, options->buffer, &length);
        uint64_t count = length;
        asm volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"((uint16_t)UART_DATA) : "memory");
    }
    return GIVEN_AWAY;
}

int write_debug(const struct options *options) {
    if (inb(DEBUG_PORT) != 0xE9) return NO_DEVICE;
    out_bytes(DEBUG_PORT, options);
    return GIVEN_AWAY;
}

int write_hypercalls(const struct options *options) {
    if (!has_hypercalls()) return fail(NO_DEVICE, "no hypercalls");
    struct progress progress = { options->bytes, 0 };
    while (progress.left) {
        uint32_t length;
        const uint8_t *bytes = next_piece(&progress, options->buffer, &length);
        while (length) {
            uint64_t printed = length;
            if (hypercall(HYPERCALL_WRITE, bytes, &printed) != HYPERCALL_DONE || !printed || printed > length) {
                return fail(DEVICE_ERROR, "a hypercall failed");
            }
            bytes += printed;
            length -= (uint32_t)printed;
        }
    }
    return GIVEN_AWAY;
}
