// INT 13h on a floppy, which the image is by its size of 1.44 MB.
// Output: on port 0xE9, what each call gives. Status: 33.
#include "platform.h"
#include "bios.inc"

    .equ buffer, 0x9000

    BOOT
main:
    movb  drive, %dl
    movb  $0, %dh
    call  show
    .asciz "drive in DL"
    CALL "reset" 0x13 ax=0x0000
    CALL "status" 0x13 ax=0x0100
    movw  $0x0800, %ax
    movw  $0, %dx
    int   $0x13
    movw  $0, %di                   // a table of the BIOS's own
    movw  $0, %bp
    movw  $0, %si
    call  show
    .asciz "parameters"
    pushw $0
    popw  %es
    CALL "type" 0x13 ax=0x1500
    CALL "type of the second" 0x13 ax=0x1500 dx=1
    CALL "read" 0x13 ax=0x0201 bx=buffer cx=1
    movw  $buffer + 508, %si
    movw  $4, %cx
    call  print_bytes
    CALL "read the other side" 0x13 ax=0x0202 bx=buffer cx=1 dx=0x0100
    movw  $buffer, %si
    movw  $4, %cx
    call  print_bytes
    CALL "read the last sector" 0x13 ax=0x0201 bx=buffer cx=0x4F12 dx=0x0100
    movw  $buffer + 508, %si
    movw  $4, %cx
    call  print_bytes
    CALL "read sector 19" 0x13 ax=0x0201 bx=buffer cx=19
    CALL "status" 0x13 ax=0x0100
    CALL "read cylinder 80" 0x13 ax=0x0201 bx=buffer cx=0x5001
    CALL "read head 2" 0x13 ax=0x0201 bx=buffer cx=1 dx=0x0200
    CALL "verify" 0x13 ax=0x0402 bx=buffer cx=1
    CALL "write" 0x13 ax=0x0301 bx=0x7C00 cx=0x0A01
    CALL "read it" 0x13 ax=0x0201 bx=buffer cx=0x0A01
    movw  $buffer + 508, %si
    movw  $4, %cx
    call  print_bytes
    jmp   end_run

    BOOT_END
    .org  18 * 512                  // the other side's first sector
    .ascii "side"
    .org  1474560 - 4
    .ascii "last"
