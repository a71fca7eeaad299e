// Does nothing for ever, in real mode: for deadlines, signals and quitting.
// Output: none. Status: whatever ended the run from outside, for instance 124 after --timeout.
//
// No interrupt is for this guest, and a host gets its CPU back whether the guest takes interrupts or not. But under an
// emulator that runs the host as well (Bochs 2.7), the host's timer waits until the guest allows interrupts: for ever.
.code16

.globl _start
_start:
    sti
1:  jmp   1b                        // EB FE: a jump to itself
