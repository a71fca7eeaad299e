// INT 1Ah, INT 8 and INT 1Ch: ticks that go on, midnight, the clock's time and date, and handlers of its own.
// Output: on port 0xE9, what each call gives; times are only looked at. Status: 33.
#include "platform.h"
#include "bios.inc"

    BOOT
main:
    CALL "set ticks" 0x1A ax=0x0100 cx=1 dx=0x2345
    movw  $0, %ax
    int   $0x1A
    subw  $0x2345, %dx
    cmpw  $0x1000, %dx              // an hour
    jb    1f
    SAY "the ticks were not set"
1:  movw  $0, %dx
    call  show
    .asciz "get ticks"

// Three ticks go by, asleep.
    movl  0x46C, %ebx
    addl  $3, %ebx
2:  sti
    hlt
    cmpl  %ebx, 0x46C
    jb    2b
    SAY "ticks go on"

// The day is over.
    CALL "set ticks, before midnight" 0x1A ax=0x0100 cx=0x18 dx=0x00AF
3:  hlt
    cmpw  $0x18, 0x46E
    je    3b
    movw  $0, %ax
    int   $0x1A
    movw  $0, %dx
    call  show
    .asciz "midnight in AL"
    movw  $0, %ax
    int   $0x1A
    movw  $0, %dx
    call  show
    .asciz "once"

// A handler of its own behind the BIOS's.
    cli
    movw  $count_tick, 0x1C * 4
    movw  $0, 0x1C * 4 + 2
    sti
4:  hlt
    cmpb  $3, counted
    jb    4b
    SAY "INT 1Ch came"

// And one before it, which calls the BIOS's.
    cli
    movl  0x08 * 4, %eax
    movl  %eax, old_timer
    movw  $timer, 0x08 * 4
    movw  $0, 0x08 * 4 + 2
    sti
    movb  $0, counted
5:  hlt
    cmpb  $13, counted
    jb    5b
    SAY "INT 8 came"

// Time and date, in decimal digits.
    movw  $0x0200, %ax
    int   $0x1A
    pushfw
    call  check_digits
    popfw
    movw  $0, %ax
    movw  $0, %cx
    movw  $0, %dx
    movw  $0, %di
    call  show
    .asciz "time"
    movw  $0x0400, %ax
    int   $0x1A
    pushfw
    call  check_digits
    popfw
    movb  $0, %cl
    movw  $0, %dx
    movw  $0, %di
    call  show
    .asciz "date, century in CH"
    jmp   end_run

// Says whether CX and DX are no decimal digits.
check_digits:
    movw  %cx, %ax
    call  1f
    movw  %dx, %ax
1:  movw  $4, %si
2:  movw  %ax, %di
    andw  $0x000F, %di
    cmpw  $9, %di
    ja    3f
    shrw  $4, %ax
    decw  %si
    jnz   2b
    ret
3:  SAY "no digits"
    ret

count_tick:
    incb  %cs:counted
    iret

// Ten of its own for each of the BIOS's.
timer:
    addb  $9, %cs:counted
    ljmpw *%cs:old_timer

old_timer:
    .long 0
counted:
    .byte 0

    BOOT_END
