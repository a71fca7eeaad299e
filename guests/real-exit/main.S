// Ends with a status of its own choice. The status is the byte at file offset 1: patch it to get another one.
// Output: none. Status: 42, or what the byte at offset 1 was changed to.
#include "platform.h"
.code16

.globl _start
_start:
    movb  $42, %al                  // B0 2A: the opcode at offset 0, the status at offset 1
    movw  $EXIT_PORT, %dx
    outb  %al, %dx
1:  hlt                             // not reached: the write ended the run
    jmp   1b
