// Where a started vCPU begins: in real mode, at the start of the page that the start-up message names. A copy of this stands
// there, with the values that the first vCPU has written behind it. It goes straight to long mode (Intel SDM vol. 3A,
// "Initializing IA-32e Mode") and calls a function on a stack of its own.
#include "platform.h"

#define PAGE 0x10000
#define STACK_SIZE 4096

.section .rodata.trampoline, "a"
.globl trampoline, trampoline_end
.code16
trampoline:
    cli
    movw  %cs, %ax
    movw  %ax, %ds
    lgdtl trampoline_values - trampoline
    movl  trampoline_values - trampoline + 10, %eax
    movl  %eax, %cr4
    movl  trampoline_values - trampoline + 14, %eax
    movl  %eax, %cr3
    movl  $0xC0000080, %ecx         // EFER
    movl  $0x100, %eax              // LME
    xorl  %edx, %edx
    wrmsr
    movl  trampoline_values - trampoline + 18, %eax
    movl  %eax, %cr0                // PE and PG at once
    ljmpl $KERNEL_CODE, $PAGE + long - trampoline

.code64
long:
    movl  $KERNEL_DATA, %eax
    movl  %eax, %ds
    movl  %eax, %es
    movl  %eax, %ss
    movl  $1, %eax
    lock xaddl %eax, stacks_taken
    incl  %eax
    imull $STACK_SIZE, %eax
    leaq  stacks(%rax), %rsp
    callq *PAGE + trampoline_values - trampoline + 22

trampoline_values:                  // cpus.c fills them in
    .skip 10                        // GDTR: limit and base, of which real mode takes 32 bits
    .long 0, 0, 0                   // CR4, CR3, CR0
    .quad 0                         // the function
trampoline_end:

.section .bss.stacks, "aw", @nobits
.balign 16
stacks: .skip 64 * STACK_SIZE

.section .data.stacks_taken, "aw"
.balign 4
stacks_taken: .long 0
