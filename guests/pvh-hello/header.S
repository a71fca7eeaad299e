// The ELF note that names the entry for PVH (Xen, public/elfnote.h): XEN_ELFNOTE_PHYS32_ENTRY, 18.
.section .note.loader, "a", @note
.balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long _start

#include "multiboot.inc"
