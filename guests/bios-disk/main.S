// INT 13h on a hard disk, which the image itself is: reads, writes, parameters, the extensions, and what is refused.
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
    CALL "reset" 0x13 ax=0x0000 dx=0x80
    CALL "status" 0x13 ax=0x0100 dx=0x80
    CALL "parameters" 0x13 ax=0x0800 dx=0x80
    pushw $0
    popw  %es
    CALL "type" 0x13 ax=0x1500 dx=0x80
    CALL "ready" 0x13 ax=0x1000 dx=0x80
    CALL "change" 0x13 ax=0x1600 dx=0x80
    CALL "no such drive" 0x13 ax=0x0201 bx=buffer cx=1 dx=0x85
    CALL "its parameters" 0x13 ax=0x0800 dx=0x85
    CALL "its type" 0x13 ax=0x1500 dx=0x85
    CALL "unknown" 0x13 ax=0x7F00 dx=0x80

    CALL "read" 0x13 ax=0x0201 bx=buffer cx=1 dx=0x80
    movw  $buffer + 508, %si
    movw  $4, %cx
    call  print_bytes
    CALL "read no sector" 0x13 ax=0x0200 bx=buffer cx=1 dx=0x80
    CALL "read too many" 0x13 ax=0x0281 bx=buffer cx=1 dx=0x80
    CALL "read sector 0" 0x13 ax=0x0201 bx=buffer cx=0 dx=0x80
    CALL "status" 0x13 ax=0x0100 dx=0x80
    CALL "read head 16" 0x13 ax=0x0201 bx=buffer cx=1 dx=0x1080
    CALL "read cylinder 1023" 0x13 ax=0x0201 bx=buffer cx=0xFFC1 dx=0x80
    CALL "verify" 0x13 ax=0x0402 bx=buffer cx=1 dx=0x80

// Into the last sector, and read again.
    movw  $0x7C00, %si
    movw  $0, %di
    movw  $buffer, %di
    movw  $256, %cx
    rep movsw
    CALL "write" 0x13 ax=0x0301 bx=buffer cx=63 dx=0x80
    movw  $0, buffer + 510
    CALL "read it" 0x13 ax=0x0201 bx=buffer cx=63 dx=0x80
    movw  $buffer + 508, %si
    movw  $4, %cx
    call  print_bytes

    CALL "extensions" 0x13 ax=0x4100 bx=0x55AA dx=0x80
    movw  $0, packet + 14
    movl  $1, packet + 8
    movw  $1, packet + 2
    CALL "extended read" 0x13 ax=0x4200 dx=0x80 si=packet
    movw  $buffer, %si
    movw  $main_sector, %di
    movw  $256, %cx
    repe cmpsw
    call  show
    .asciz "the same"
    movw  $0, packet + 2
    CALL "extended read of nothing" 0x13 ax=0x4200 dx=0x80 si=packet
    movw  $1, packet + 2
    CALL "extended verify" 0x13 ax=0x4400 dx=0x80 si=packet
    CALL "extended write" 0x13 ax=0x4300 dx=0x80 si=packet
    movl  $0x100000, packet + 8
    CALL "extended read behind the end" 0x13 ax=0x4200 dx=0x80 si=packet
    movw  $26, buffer
    CALL "extended parameters" 0x13 ax=0x4800 dx=0x80 si=buffer
    movw  $buffer, %si
    movw  $2, %cx
    call  print_bytes
    movw  $buffer + 16, %si
    movw  $10, %cx
    call  print_bytes
    movw  $25, buffer
    CALL "with too little room" 0x13 ax=0x4800 dx=0x80 si=buffer
    CALL "lock" 0x13 ax=0x4500 dx=0x80
    CALL "eject" 0x13 ax=0x4600 dx=0x80
    CALL "changed" 0x13 ax=0x4900 dx=0x80
    jmp   end_run

    .balign 16
packet:
    .byte 16, 0
    .word 1, buffer, 0
    .quad 1

    BOOT_END
    .org  64 * 512 - 1
    .byte 0
