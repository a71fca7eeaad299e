// The entry of a C guest by the PVH boot protocol (Xen, docs/misc/pvh.pandoc, "x86/HVM direct boot ABI"), which QEMU's -kernel speaks
// too: protected mode without paging, flat segments, EBX the address of the start information. It goes on in long mode, with the
// first 4 GiB mapped to themselves and open to ring 3, and calls pvh_main; what that returns is the exit status.
#include "platform.h"

.section .note.pvh, "a", @note
    .long 4, 4, 18                  // sizes of name and content; XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_start

.section .bss.tables, "aw", @nobits
.balign 4096
tables: .skip 6 * 4096              // PML4, one page-directory-pointer table, a page directory for each GiB
.section .bss.stack, "aw", @nobits
.balign 16
    .skip 16384
stack_top:

.section .rodata.descriptors, "a"
.balign 8
descriptors: .quad 0, 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
descriptors_end:
pointer: .word descriptors_end - descriptors - 1
    .long descriptors

.section .text.start, "ax"
.code32
.globl pvh_start
pvh_start:
    cld
    movl  $stack_top, %esp
    movl  $tables + 0x1007, tables          // 7: present, writable, user
    movl  $tables + 0x2007, %eax
    xorl  %ecx, %ecx
1:  movl  %eax, tables + 0x1000(, %ecx, 8)
    addl  $0x1000, %eax
    incl  %ecx
    cmpl  $4, %ecx
    jb    1b
    movl  $0x87, %eax                       // and large: 2 MiB
    xorl  %ecx, %ecx
2:  movl  %eax, tables + 0x2000(, %ecx, 8)
    addl  $0x200000, %eax
    incl  %ecx
    cmpl  $4 * 512, %ecx
    jb    2b
    lgdt  pointer
    movl  %cr4, %eax
    orl   $0x620, %eax                      // PAE, and SSE's two, which are as at a long-mode image's entry
    movl  %eax, %cr4
    movl  $tables, %eax
    movl  %eax, %cr3
    movl  $0xC0000080, %ecx                 // EFER
    rdmsr
    orl   $0x100, %eax                      // LME
    wrmsr
    movl  $0x80010033, %eax                 // paging, write protection, and what protected mode has
    movl  %eax, %cr0
    ljmp  $KERNEL_CODE, $3f
.code64
3:  movw  $KERNEL_DATA, %ax
    movw  %ax, %ds
    movw  %ax, %es
    movw  %ax, %ss
    xorl  %eax, %eax
    movw  %ax, %fs
    movw  %ax, %gs
    movl  %ebx, %edi                        // C's first argument
    call  pvh_main
    movw  $EXIT_PORT, %dx
    outb  %al, %dx
    movw  $DEBUG_EXIT_PORT, %dx             // where nobody has the other: QEMU's isa-debug-exit
    outb  %al, %dx
4:  cli
    hlt
    jmp   4b
