// Speaks on both serial lines, then echoes what comes on the second one, COM2, up to Ctrl-D (0x04): looking at it again and again or,
// with --cmdline interrupts, by its IRQ 3, asleep between two of them. That needs interrupt controllers: it uses the PIC or, where
// there is none, the I/O APIC; with "interrupts level" the I/O APIC in any case, and interrupts that last as long as their cause.
// Output: on COM1 "COM1 speaks\n"; on COM2 "COM2 speaks\n", then its input, up to the first Ctrl-D.
// Status: 0 (exit port), or 1 after a line on COM1 that says what is wrong.
#include "command-line.h"
#include "uart-echo.h"

enum { COM2 = 0x2F8, COM2_IRQ = 3, SCRATCH = 7 };

/// A register that only keeps what is written to it. Where no device is, all ones are read.
static bool has_com2(void) {
    for (uint8_t value = 1; value; value = (uint8_t)(value << 1)) {
        outb(COM2 + SCRATCH, value);
        if (inb(COM2 + SCRATCH) != value) return false;
    }
    return true;
}

/// False if there was an overrun.
static bool echo_by_looking(void) {
    for (;;) {
        uint8_t status = inb(COM2 + UART_LINE_STATUS_OFFSET);
        if (status & OVERRUN) return false;
        if (!(status & LSR_DATA_READY)) continue;
        uint8_t byte = inb(COM2);
        if (byte == UART_ECHO_END) return true;
        send_byte(COM2, byte);
    }
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params);
    bool by_interrupts = has_word(text, "interrupts");
    print("COM1 speaks\n");
    if (!has_com2()) {
        print("there is no second serial line, COM2\n");
        return 1;
    }
    if (by_interrupts && !enable_irq(COM2_IRQ, on_echo_uart, has_word(text, "level"))) {
        print("no interrupt controllers: run this with --irqchip full or split\n");
        return 1;
    }
    // Before the first look whether it can send: on some machines that is when a byte is received.
    if (by_interrupts) echo_set_up(COM2);
    for (const char *greeting = "COM2 speaks\n"; *greeting; greeting++) send_byte(COM2, (uint8_t)*greeting);
    if (by_interrupts ? echo_by_interrupts() : echo_by_looking()) return 0;
    print("COM2 has lost bytes: an overrun\n");
    return 1;
}
