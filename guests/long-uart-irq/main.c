// Echoes what comes over the serial line, up to Ctrl-D (0x04), by interrupts alone: between two of them it sleeps.
// Needs --irqchip full or split: it uses the PIC or, where there is none, the I/O APIC; with --cmdline level the I/O APIC in any
// case, and with interrupts that last as long as their cause.
// Output: its input, up to the first Ctrl-D. Status: 0 (exit port), 1 without interrupt controllers, 2 after an overrun.
#include "command-line.h"
#include "interrupts.h"

enum { UART_IRQ = 4, END = 0x04, BURST = 16, SIZE = 4096 };

/// Registers and bits beyond those of platform.h (PC16550D tables I, II and IV).
enum { IER = UART_DATA + 1, IIR = UART_DATA + 2, FCR = UART_DATA + 2, MCR = UART_DATA + 4 };
enum { RECEIVED = 1, SENT = 2, LINE_STATUS = 4, NOTHING_PENDING = 1 };
enum { FIFO_ON = 1, CLEAR_FIFOS = 6, TRIGGER_AT_8 = 0x80, OUT2_AND_READY = 0x0B };
enum { DATA_READY = 1, OVERRUN = 2 };

/// What was received and not sent yet; the indices run on and are cut to the size.
static volatile uint8_t buffer[SIZE];
static volatile uint32_t head, tail;
static volatile bool has_ended, has_overrun;

static void receive(void) {
    while (head - tail < SIZE) {
        uint8_t status = inb(UART_LINE_STATUS);
        if (status & OVERRUN) has_overrun = true;
        if (!(status & DATA_READY)) return;
        uint8_t byte = inb(UART_DATA);
        if (has_ended) continue;
        if (byte == END) has_ended = true;
        else buffer[head++ % SIZE] = byte;
    }
}

static void send(void) {
    for (int count = 0; count < BURST && tail != head; count++) outb(UART_DATA, buffer[tail++ % SIZE]);
}

/// The receiver interrupts as long as there is room here, the transmitter as long as there is something to send.
static void choose_interrupts(void) {
    uint8_t enabled = LINE_STATUS;
    if (head - tail < SIZE) enabled |= RECEIVED;
    if (head != tail) enabled |= SENT;
    if (inb(IER) != enabled) outb(IER, enabled);
}

__attribute__((interrupt)) static void on_uart(struct frame *frame) {
    // Where edges count the line must be low before this ends, or no interrupt comes again.
    for (uint8_t cause; !((cause = inb(IIR)) & NOTHING_PENDING);) {
        receive();
        if ((cause & 0xF) == SENT) send();
        choose_interrupts();
    }
    end_of_irq(frame);
}

int guest_main(const struct boot_params *params) {
    if (!enable_irq(UART_IRQ, on_uart, *command_line(params) == 'l')) {
        print("no interrupt controllers: run this with --irqchip full or split\n");
        return 1;
    }
    outb(FCR, FIFO_ON | CLEAR_FIFOS | TRIGGER_AT_8);
    outb(MCR, OUT2_AND_READY);  // on a PC, OUT2 lets the interrupt through
    choose_interrupts();
    while (!has_ended || head != tail) sleep();
    outb(IER, 0);
    return has_overrun ? 2 : 0;
}
