// The entry of the C guests in long mode: RSI holds the address of the boot parameters, RSP a stack.
// Calls `int guest_main(const struct boot_params *)`; what that returns is the exit status.
#include "platform.h"
.code64

.section .text.start, "ax"
.globl _start
_start:
    movq  %rsi, %rdi                // C's first argument
    call  guest_main
    movw  $EXIT_PORT, %dx
    outb  %al, %dx
1:  hlt                             // not reached: the write ended the run
    jmp   1b
