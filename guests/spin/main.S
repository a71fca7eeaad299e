// Does nothing for ever, in real mode: for deadlines, signals and quitting.
// Output: none. Status: whatever ended the run from outside, for instance 124 after --timeout.
.code16

.globl _start
_start:
1:  jmp   1b                        // EB FE: two bytes
