// A 16-bit guest that knows it is one: it prints by hypercall, a whole line for one exit, and asks for the end.
// Output: "Hello by hypercall!\n". Status: 0 (hypercall), or 1 where there is no doorbell.
#include "platform.h"
#include "hypercall.h"
.code16

.globl _start
_start:
    movw  $HYPERCALL_PORT, %dx
    inl   %dx, %eax
    cmpl  $HYPERCALL_SIGNATURE, %eax
    jne   missing

    movl  $print_request, %eax
    outl  %eax, %dx
    cmpl  $HYPERCALL_DONE, print_request + HYPERCALL_STATUS_OFFSET
    jne   failed
    cmpl  $(greeting_end - greeting), print_request + HYPERCALL_LENGTH_OFFSET
    jne   failed

    movl  $exit_request, %eax
    outl  %eax, %dx
failed:
missing:
    movw  $EXIT_PORT, %dx
    movb  $1, %al
    outb  %al, %dx

greeting:
    .ascii "Hello by hypercall!\n"
greeting_end:

.balign 8
print_request:
    .long HYPERCALL_WRITE, ~0
    .long greeting, 0
    .quad greeting_end - greeting
exit_request:
    .long HYPERCALL_EXIT, ~0
    .quad 0, 0
