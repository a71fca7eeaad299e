// String output: one REP OUTSB instruction writes a whole line to the serial port.
// Output: "Hello from REP OUTSB!\n". Status: 0 (halted).
//
// To the guest this is one instruction; each byte still leaves the virtual machine by itself.
#include "platform.h"
.code16

.globl _start
_start:
    movw  $line, %si
    movw  $(line_end - line), %cx
    movw  $UART_DATA, %dx
    rep outsb                       // CX times: write the byte at DS:SI to port DX, advance SI
    jmp   halt

line:
    .ascii "Hello from REP OUTSB!\n"
line_end:

#include "console.inc"
