// Dies: an exception that cannot be delivered, at that a second and a third one, at which a CPU shuts down.
// Output: none. Status: 125 (the guest failed: triple fault).
//
// #UD looks for its handler in an interrupt descriptor table of no entries: #GP. That one finds no handler either: #DF.
// Nor does that: shutdown (Intel SDM vol. 3A, "Interrupt 8—Double Fault Exception"). It is done in protected mode,
// because a host that interprets real mode may not look at the table's limit there, and find a handler at 0000:0000.
#include "platform.h"
.code16

.globl _start
_start:
    lgdtl gdt_register
    lidtl idt_register
    movl  %cr0, %eax
    orb   $1, %al                   // CR0.PE
    movl  %eax, %cr0
    ljmpl $KERNEL_CODE, $protected  // loads CS: from here on 32-bit code

.code32
protected:
    movw  $KERNEL_DATA, %ax
    movw  %ax, %ds
    movw  %ax, %ss
    ud2

.balign 8
gdt:
    .quad 0
    .quad 0
    .quad 0x00CF9B000000FFFF        // KERNEL_CODE: 32-bit code, base 0, limit 4 GiB
    .quad 0x00CF93000000FFFF        // KERNEL_DATA: the same as writable data
gdt_register:
    .word gdt_register - gdt - 1
    .long gdt
idt_register:
    .word 0
    .long 0
