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

static inline void print_byte(char byte) {
    while (!(inb(UART_LINE_STATUS) & LSR_THR_EMPTY)) { }
    outb(UART_DATA, (uint8_t)byte);
}

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

/// Prints "0x" and at least `width` digits, 1 to 16.
static inline void print_hex(uint64_t value, int width) {
    print("0x");
    for (int digit = 15; digit >= 0; digit--) {
        uint64_t rest = value >> (4 * digit);
        if (rest || digit < width) print_byte("0123456789abcdef"[rest & 15]);
    }
}
