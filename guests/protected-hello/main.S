// Prints a line from 32-bit protected mode, which the machine starts in: nothing to switch.
// Output: "Hello from protected mode!\n". Status: 0 (halted).
#include "platform.h"
.code32

.globl _start
_start:
    movl  $greeting, %esi
    call  print
    jmp   halt

greeting:
    .asciz "Hello from protected mode!\n"

#include "console.inc"
