// What the C guests share: port I/O and printing on the serial line.
#pragma once

#include "platform.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

/// Sends a byte by the UART whose first register is at port `uart`.
static inline void send_byte(uint16_t uart, uint8_t byte) {
    while (!(inb(uart + UART_LINE_STATUS_OFFSET) & LSR_THR_EMPTY)) { }
    outb(uart, byte);
}

static inline void print_byte(char byte) { send_byte(UART_DATA, (uint8_t)byte); }

static inline void print(const char *text) {
    while (*text) print_byte(*text++);
}

static inline void print_decimal(uint64_t value) {
    char digits[21];
    char *first = digits + sizeof digits;
    *--first = 0;
    do *--first = (char)('0' + value % 10); while (value /= 10);
    print(first);
}

#ifdef __x86_64__

/// By words as far as they go: a host that interprets ring 0 pays for each step of a string instruction.
static inline void copy_bytes(void *to, const void *from, uint64_t count) {
    uint64_t words = count / 8, rest = count % 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

static inline void fill_bytes(void *to, uint8_t byte, uint64_t count) {
    uint64_t words = count / 8, rest = count % 8, value = byte * 0x0101010101010101ull;
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(value) : "memory");
    asm volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(value) : "memory");
}

/// Whether two pieces of memory hold the same.
static inline bool has_equal_bytes(const void *one, const void *other, uint64_t count) {
    uint64_t words = count / 8, rest = count % 8;
    bool is_equal;
    asm volatile("cmpl %%eax, %%eax; repe cmpsq"  // the first comparison: equal, should the count be 0
                 : "+S"(one), "+D"(other), "+c"(words), "=@cce"(is_equal) : : "memory");
    if (!is_equal) return false;
    asm volatile("cmpl %%eax, %%eax; repe cmpsb"
                 : "+S"(one), "+D"(other), "+c"(rest), "=@cce"(is_equal) : : "memory");
    return is_equal;
}

#endif

/// Prints "0x" and at least `width` digits, 1 to 16.
static inline void print_hex(uint64_t value, int width) {
    print("0x");
    for (int digit = 15; digit >= 0; digit--) {
        uint64_t rest = value >> (4 * digit);
        if (rest || digit < width) print_byte("0123456789abcdef"[rest & 15]);
    }
}
