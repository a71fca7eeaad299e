// A Multiboot header in a 64-bit ELF file. Whoever loads it enters it in 32-bit protected mode all the same, so that it has to go on to
// long mode by itself (Intel SDM vol. 3A section 10.8.5).
#include "platform.h"
.section .header, "a"
.balign 4
    .long 0x1BADB002, 0x3, -(0x1BADB002 + 0x3)

.section .text
.code32
.globl _start
_start:
    cli
    movl  $stack_end, %esp
    movl  %eax, %edi                // C's first two arguments
    movl  %ebx, %esi
    movl  $page_directories, %eax
    orl   $3, %eax
    movl  %eax, page_table
    movl  $page_directory, %eax
    orl   $3, %eax
    movl  %eax, page_directories
    movl  $0x83, %eax               // the first GiB, in pages of 2 MiB: present, writable
    movl  $page_directory, %ecx
1:  movl  %eax, (%ecx)
    addl  $0x200000, %eax
    addl  $8, %ecx
    cmpl  $page_directory + 0x1000, %ecx
    jne   1b
    movl  %cr4, %eax
    orl   $0x20, %eax               // PAE
    movl  %eax, %cr4
    movl  $page_table, %eax
    movl  %eax, %cr3
    movl  $0xC0000080, %ecx         // EFER
    rdmsr
    orl   $0x100, %eax              // LME
    wrmsr
    movl  %cr0, %eax
    orl   $0x80000000, %eax         // PG
    movl  %eax, %cr0
    lgdt  descriptors
    ljmp  $KERNEL_CODE, $2f
.code64
2:  movw  $KERNEL_DATA, %cx
    movw  %cx, %ds
    movw  %cx, %es
    movw  %cx, %ss
    call  guest_main
3:  hlt                             // not reached
    jmp   3b

.section .rodata
.balign 8
table:
    .quad 0, 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
descriptors:
    .word descriptors - table - 1
    .quad table

.section .bss
.balign 0x1000
page_table: .skip 0x1000
page_directories: .skip 0x1000
page_directory: .skip 0x1000
    .skip 0x4000
stack_end:
