// A Multiboot header with the addresses of the image, which makes program headers needless.
.section .header, "a"
.balign 4
header:
    .long 0x1BADB002, 0x10003, -(0x1BADB002 + 0x10003)
    .long header, image_start, image_end, bss_end, _start

#include "multiboot.inc"
