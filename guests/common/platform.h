// The parts of the platform that the guests use. Only #define lines: assembly and C include this file alike.
#pragma once

// 16550A UART, first serial line, COM1 (PC16550D data sheet, table 2).
#define UART_DATA 0x3F8             // read: receiver buffer (RBR); write: transmitter holding register (THR)
#define UART_LINE_STATUS 0x3FD      // LSR
#define UART_LINE_STATUS_OFFSET 5   // the same, counted from the first register
#define LSR_DATA_READY 0x01         // RBR holds a byte
#define LSR_THR_EMPTY 0x20          // THR takes a byte

// A write ends the run: the byte is the exit status.
#define EXIT_PORT 0x500
// The same in QEMU's way, isa-debug-exit: the status is twice the value, plus 1.
#define DEBUG_EXIT_PORT 0xF4

// Debug console: a read gives 0xE9, so that a guest can tell that it is there.
#define DEBUG_PORT 0xE9

// Selectors of the flat code and data segments that protected and long mode start with.
#define KERNEL_CODE 0x10
#define KERNEL_DATA 0x18
