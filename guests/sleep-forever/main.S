// Sleeps with interrupts off, so that nothing can wake it: the machine is at its end, also where HLT does not exit.
// Output: none. Status: 0 (halted). With --irqchip full swiftvmm finds out within about a second.
.code64

.section .text.start, "ax"
.globl _start
_start:
    cli
1:  hlt
    jmp   1b
