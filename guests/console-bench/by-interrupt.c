// Through the serial port by its transmitter's interrupts, in ring 0: as many bytes each as the transmitter's queue holds.
#include "bench.h"
#include "interrupts.h"

/// Registers and bits beyond those of platform.h (PC16550D tables I, II and IV).
enum { IER = UART_DATA + 1, IIR = UART_DATA + 2, FCR = UART_DATA + 2, MCR = UART_DATA + 4 };
enum { SENT = 2, FIFO_ON = 1, CLEAR_FIFOS = 6, OUT2_AND_READY = 0x0B };

enum { UART_IRQ = 4 };

static struct progress progress;
static volatile bool is_done;

/// Where edges count the line must have been low: reading the cause takes it down, and the first byte up again.
__attribute__((interrupt)) static void on_sent(struct frame *frame) {
    inb(IIR);
    uint32_t length;
    const uint8_t *bytes = next_piece(&progress, TRANSMIT_QUEUE, &length);
    if (length) {
        asm volatile("1: lodsb; outb %%al, %%dx; decl %%ecx; jnz 1b"
                     : "+S"(bytes), "+c"(length) : "d"((uint16_t)UART_DATA) : "rax", "memory", "cc");
    } else {
        is_done = true;
    }
    end_of_irq(frame);
}

int write_by_interrupt(const struct options *options) {
    progress.left = options->bytes;
    if (inb(UART_LINE_STATUS) == 0xFF) return fail(NO_DEVICE, "no serial port");
    if (!enable_irq(UART_IRQ, on_sent, false)) {
        return fail(NO_DEVICE, "no interrupt controllers: run this with --irqchip full or split");
    }
    outb(FCR, FIFO_ON | CLEAR_FIFOS);
    outb(MCR, OUT2_AND_READY);  // on a PC, OUT2 lets the interrupt through
    outb(IER, SENT);            // the transmitter is empty: the first interrupt is due
    while (!is_done) sleep();
    outb(IER, 0);
    return GIVEN_AWAY;
}
