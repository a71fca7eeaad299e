// memory-bench in real mode, with what its addresses reach: 64 pages, 256 KiB from 0x10000 on.
// Output and status: as memory-bench's, of 64 pages.
#include "platform.h"
#include "hypercall.h"
.code16

#define FIRST_SEGMENT 0x1000
#define PAGES 64
#define PAGE_IN_SEGMENTS 0x100

.globl _start
_start:
    movw  $HYPERCALL_PORT, %dx
    inl   %dx, %eax
    cmpl  $HYPERCALL_SIGNATURE, %eax
    movb  $1, %al
    jne   end_run

    movl  $1, %ebx
    movw  $FIRST_SEGMENT, %si
    movw  $PAGES, %cx
1:  imull $1664525, %ebx, %ebx
    addl  $1013904223, %ebx
    movw  %si, %es
    movl  %ebx, %es:0
    addw  $PAGE_IN_SEGMENTS, %si
    loop  1b

    xorl  %ebx, %ebx
    movw  $FIRST_SEGMENT, %si
    movw  $PAGES, %cx
1:  movw  %si, %es
    addl  %es:0, %ebx
    addw  $PAGE_IN_SEGMENTS, %si
    loop  1b
    call  show_number

wait:
    movl  $~0, wait_request + HYPERCALL_LENGTH_OFFSET
    movl  $~0, wait_request + HYPERCALL_LENGTH_OFFSET + 4
    movw  $HYPERCALL_PORT, %dx
    movl  $wait_request, %eax
    outl  %eax, %dx
    movl  $1, read_request + HYPERCALL_LENGTH_OFFSET
    movl  $read_request, %eax
    outl  %eax, %dx
    cmpl  $1, read_request + HYPERCALL_LENGTH_OFFSET
    jne   wait
    movb  $0, %al
    jmp   end_run

.balign 8
read_request:
    .long HYPERCALL_READ, 0
    .long digits, 0
    .quad 1
#include "hypercall.inc"
