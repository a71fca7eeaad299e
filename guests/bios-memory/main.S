// INT 11h, 12h and 15h: equipment, memory, its map, the A20 gate, a copy into extended memory, and a wait.
// Output: on port 0xE9, what each call gives; numbers that depend on the machine's size are left out. Status: 33.
#include "platform.h"
#include "bios.inc"

    BOOT
main:
    int   $0x11
    andw  $0x0030, %ax              // the screen: others have more drives and ports
    call  show
    .asciz "equipment"
    CALL "memory" 0x12
    movw  $0x8800, %ax
    int   $0x15
    movw  $0, %ax
    call  show
    .asciz "extended memory"
    movw  $0xE801, %ax
    int   $0x15
    subw  %cx, %ax                  // the same, twice
    subw  %dx, %bx
    movw  $0, %dx
    clc
    call  show
    .asciz "extended memory in two parts"
    CALL "A20 on" 0x15 ax=0x2401
    CALL "A20 status" 0x15 ax=0x2402
    CALL "A20 support" 0x15 ax=0x2403
    CALL "A20 unknown" 0x15 ax=0x2404
    CALL "unknown" 0x15 ax=0xFE00
    CALL "unknown E8" 0x15 ax=0xE8FF

// The configuration's model.
    movw  $0xC000, %ax
    int   $0x15
    movb  %es:2(%bx), %al
    pushw $0
    popw  %es
    movb  $0, %ah
    movw  $0, %bx
    call  show
    .asciz "configuration, model in AL"
    CALL "extended data area" 0x15 ax=0xC100
    pushw $0
    popw  %es

// The map: its first range, which wrong calls get nothing, and where memory for us begins.
    movl  $0x0000E820, %eax
    movl  $0, %ebx
    movl  $20, %ecx
    movl  $0x534D4150, %edx
    movw  $buffer, %di
    int   $0x15
    shrl  $16, %eax
    movw  $0, %bx
    movw  $0, %si
    movw  $0, %bp
    call  show
    .asciz "map, its name in AX"
    movw  $buffer, %si
    movw  $20, %cx
    call  print_bytes
    movl  $0x0000E820, %eax
    movl  $0, %ebx
    movl  $20, %ecx
    movl  $0x534D4151, %edx
    int   $0x15
    call  show
    .asciz "map, wrong name"
    movl  $0x0000E820, %eax
    movl  $0, %ebx
    movl  $19, %ecx
    movl  $0x534D4150, %edx
    int   $0x15
    call  show
    .asciz "map, too small"
    movl  $0x0000E820, %eax
    movl  $0x00001000, %ebx
    movl  $20, %ecx
    movl  $0x534D4150, %edx
    int   $0x15
    call  show
    .asciz "map, behind its end"
    xorl  %ebx, %ebx
1:  movl  $0x0000E820, %eax
    movl  $20, %ecx
    movl  $0x534D4150, %edx
    movw  $buffer, %di
    int   $0x15
    jc    2f
    cmpl  $1, buffer + 16
    jne   3f
    SAY "usable from"
    movw  $buffer, %si
    movw  $8, %cx
    call  print_bytes
3:  testl %ebx, %ebx
    jnz   1b
    SAY "the end"
2:

// A sector to 2 MiB and back.
    movw  $out_table, %si
    CALL "copy up" 0x15 ax=0x8700 cx=256 si=out_table
    CALL "copy down" 0x15 ax=0x8700 cx=256 si=back_table
    movw  $0x7C00, %si
    movw  $copied, %di
    movw  $256, %cx
    repe cmpsw
    call  show
    .asciz "the same"

// A tenth of a second.
    sti
    movw  $0x8600, %ax
    movw  $1, %cx
    movw  $0x86A0, %dx
    int   $0x15
    movw  $0, %ax
    movw  $0, %bx
    movw  $0, %cx
    movw  $0, %dx
    movw  $0, %si
    movw  $0, %di
    call  show
    .asciz "wait"
    jmp   end_run

    .balign 8
out_table:
    .quad 0, 0, 0x000093007C00FFFF, 0x000093200000FFFF, 0, 0
back_table:
    .quad 0, 0, 0x000093200000FFFF, 0x000093009000FFFF, 0, 0
buffer:
    .fill 24

    BOOT_END
    .equ copied, 0x9000
