// Prints a line from 64-bit long mode. Built twice from this source: as a flat image and as an ELF file.
// Output: "Hello from long mode!\n". Status: 0 (halted).
#include "platform.h"
.code64

.section .text.start, "ax"
.globl _start
_start:
    leaq  greeting(%rip), %rsi
    call  print
    jmp   halt

greeting:
    .asciz "Hello from long mode!\n"

#include "console.inc"
