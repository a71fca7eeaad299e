// An echo of what comes over a serial line, up to Ctrl-D (0x04), by the interrupts of its 16550A UART alone: between two of them it
// sleeps. Interrupts on an edge do as well as those that last as long as their cause.
#pragma once

#include "interrupts.h"

enum { UART_ECHO_END = 0x04, UART_ECHO_BURST = 16, UART_ECHO_SIZE = 4096 };

/// Offsets of registers, and bits, beyond those of platform.h (PC16550D tables I, II and IV).
enum { IER = 1, IIR = 2, FCR = 2, MCR = 4 };
enum { RECEIVED = 1, SENT = 2, LINE_STATUS = 4, NOTHING_PENDING = 1 };
enum { FIFO_ON = 1, CLEAR_FIFOS = 6, TRIGGER_AT_8 = 0x80, OUT2_AND_READY = 0x0B };
enum { OVERRUN = 2 };

/// The port of the first register.
static uint16_t echo_uart;
/// What was received and not sent yet; the indices run on and are cut to the size.
static volatile uint8_t echo_buffer[UART_ECHO_SIZE];
static volatile uint32_t echo_head, echo_tail;
static volatile bool echo_has_ended, echo_has_overrun;

static inline void echo_receive(void) {
    while (echo_head - echo_tail < UART_ECHO_SIZE) {
        uint8_t status = inb(echo_uart + UART_LINE_STATUS_OFFSET);
        if (status & OVERRUN) echo_has_overrun = true;
        if (!(status & LSR_DATA_READY)) return;
        uint8_t byte = inb(echo_uart);
        if (echo_has_ended) continue;
        if (byte == UART_ECHO_END) echo_has_ended = true;
        else echo_buffer[echo_head++ % UART_ECHO_SIZE] = byte;
    }
}

static inline void echo_send(void) {
    for (int count = 0; count < UART_ECHO_BURST && echo_tail != echo_head; count++) {
        outb(echo_uart, echo_buffer[echo_tail++ % UART_ECHO_SIZE]);
    }
}

/// The receiver interrupts as long as there is room here, the transmitter as long as there is something to send.
static inline void echo_choose_interrupts(void) {
    uint8_t enabled = LINE_STATUS;
    if (echo_head - echo_tail < UART_ECHO_SIZE) enabled |= RECEIVED;
    if (echo_head != echo_tail) enabled |= SENT;
    if (inb(echo_uart + IER) != enabled) outb(echo_uart + IER, enabled);
}

/// To be given to enable_irq.
__attribute__((interrupt)) static inline void on_echo_uart(struct frame *frame) {
    // Where edges count the line must be low before this ends, or no interrupt comes again.
    for (uint8_t cause; !((cause = inb(echo_uart + IIR)) & NOTHING_PENDING);) {
        echo_receive();
        if ((cause & 0xF) == SENT) echo_send();
        echo_choose_interrupts();
    }
    end_of_irq(frame);
}

/// Sets up the UART whose first register is at port `uart`. What it has received is lost.
static inline void echo_set_up(uint16_t uart) {
    echo_uart = uart;
    outb(uart + FCR, FIFO_ON | CLEAR_FIFOS | TRIGGER_AT_8);
    outb(uart + MCR, OUT2_AND_READY);  // on a PC, OUT2 lets the interrupt through
}

/// Echoes by the UART that was set up. False if there was an overrun.
static inline bool echo_by_interrupts(void) {
    echo_choose_interrupts();
    while (!echo_has_ended || echo_head != echo_tail) sleep();
    outb(echo_uart + IER, 0);
    return !echo_has_overrun;
}
