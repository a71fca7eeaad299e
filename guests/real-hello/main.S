// The smallest useful guest: prints a line from real mode and halts.
// Output: "Hello from real mode!\n". Status: 0 (halted).
#include "platform.h"
.code16

.globl _start
_start:
    movw  $greeting, %si
    call  print
    jmp   halt

greeting:
    .asciz "Hello from real mode!\n"

#include "console.inc"
