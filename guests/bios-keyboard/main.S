// INT 16h: looks for keys, takes them by AH=00h and 10h, and puts some in. It prints each that is typed, up to "q" by both.
// Output: on port 0xE9, what each call gives. Status: 33.
#include "platform.h"
#include "bios.inc"

    BOOT first=cli                  // what is typed comes later
main:
    CALL "flags" 0x16 ax=0x0200
    CALL "extended flags" 0x16 ax=0x1200
    CALL "put" 0x16 ax=0x0500 cx=0x1E61
    CALL "look" 0x16 ax=0x0100
    CALL "extended look" 0x16 ax=0x1100
    CALL "take" 0x16 ax=0x0000
    CALL "put, extended" 0x16 ax=0x0500 cx=0x48E0
    CALL "take" 0x16 ax=0x0000
    CALL "put, extended" 0x16 ax=0x0500 cx=0x48E0
    CALL "take, extended" 0x16 ax=0x1000
    CALL "put, keypad's Enter" 0x16 ax=0x0500 cx=0xE00D
    CALL "take" 0x16 ax=0x0000
    CALL "put, with Alt" 0x16 ax=0x0500 cx=0x01F0
    CALL "take, extended" 0x16 ax=0x1000

// As many as there is room for.
    movb  $0, %bl
1:  movw  $0x0500, %ax
    movw  $0x1E61, %cx
    int   $0x16
    testb %al, %al
    jnz   2f
    incb  %bl
    jmp   1b
2:  movb  $0, %bh
    call  show
    .asciz "full, with so many in BX"
3:  movb  $0, %ah
    int   $0x16
    decb  %bl
    jnz   3b

// What is typed now.
    SAY "ready"
    sti
4:  movw  $0x0000, %ax
    int   $0x16
    pushw %ax
    call  print_word
    movb  $'\n', %al
    outb  %al, $DEBUG_PORT
    popw  %ax
    cmpb  $'q', %al
    jne   4b
    SAY "extended"
5:  movw  $0x1000, %ax
    int   $0x16
    pushw %ax
    call  print_word
    movb  $'\n', %al
    outb  %al, $DEBUG_PORT
    popw  %ax
    cmpb  $'q', %al
    jne   5b
    jmp   end_run

    BOOT_END
