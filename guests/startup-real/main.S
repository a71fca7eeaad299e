// startup-bench in real mode: the same work, as far as a 16-bit machine's first instructions go.
// Output and status: as startup-bench's.
#include "platform.h"
#include "hypercall.h"
.code16

#define STEPS 100

.globl _start
_start:
    movw  $HYPERCALL_PORT, %dx
    inl   %dx, %eax
    cmpl  $HYPERCALL_SIGNATURE, %eax
    movb  $1, %al
    jne   end_run

    movl  $first, %eax
    movl  $1, %ecx
    call  show
    movl  $1, %ebx
    movw  $STEPS, %cx
1:  imull $1664525, %ebx, %ebx
    addl  $1013904223, %ebx
    loop  1b
    call  show_number
    movb  $0, %al
    jmp   end_run

first:
    .ascii ">"
#include "hypercall.inc"
