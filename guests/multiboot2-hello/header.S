// A Multiboot 2 header: what must be told, page alignment for modules, an entry that is not ELF's, and a text screen.
.section .header, "a"
.balign 8
header:
    .long 0xE85250D6, 0, header_end - header, -(0xE85250D6 + (header_end - header))
.balign 8
1:  .word 1, 0                      // information: command line, modules, memory, map, sections
    .long 2f - 1b, 1, 3, 4, 6, 9
2:
.balign 8
1:  .word 3, 0                      // entry
    .long 2f - 1b, _start
2:
.balign 8
    .word 4, 1                      // console flags, optional: text is fine
    .long 12, 2
.balign 8
    .word 5, 1                      // framebuffer, optional: text
    .long 20, 80, 25, 0
.balign 8
    .word 6, 0                      // modules on page boundaries
    .long 8
.balign 8
    .word 0, 0
    .long 8
header_end:

#include "multiboot.inc"
