// The Multiboot header, in the first 8 KiB of the file: pages for modules, and memory sizes.
.section .header, "a"
.balign 4
    .long 0x1BADB002, 0x3, -(0x1BADB002 + 0x3)

#include "multiboot.inc"
