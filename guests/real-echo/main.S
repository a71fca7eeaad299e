// Polled input: sends back each byte that arrives on the serial line, until Ctrl-D (0x04), which is not sent back.
// Output: the input up to the first 0x04. Status: 0 (halted).
#include "platform.h"
.code16

#define CTRL_D 0x04

.globl _start
_start:
    movw  $UART_LINE_STATUS, %dx
1:  inb   %dx, %al
    testb $LSR_DATA_READY, %al
    jz    1b                        // nothing has arrived
    movw  $UART_DATA, %dx
    inb   %dx, %al
    cmpb  $CTRL_D, %al
    je    halt
    call  put_byte
    jmp   _start

#include "console.inc"
