// Echoes what comes over the serial line, up to Ctrl-D (0x04), by interrupts alone: between two of them it sleeps.
// Needs --irqchip full or split: it uses the PIC or, where there is none, the I/O APIC; with --cmdline level the I/O APIC in any
// case, and with interrupts that last as long as their cause.
// Output: its input, up to the first Ctrl-D. Status: 0 (exit port), 1 without interrupt controllers, 2 after an overrun.
#include "command-line.h"
#include "uart-echo.h"

enum { UART_IRQ = 4 };

int guest_main(const struct boot_params *params) {
    if (!enable_irq(UART_IRQ, on_echo_uart, *command_line(params) == 'l')) {
        print("no interrupt controllers: run this with --irqchip full or split\n");
        return 1;
    }
    echo_set_up(UART_DATA);
    return echo_by_interrupts() ? 0 : 2;
}
