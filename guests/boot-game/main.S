// A game in one sector: eight numbers on a board of nine places are to be slid into order, by the arrow keys.
// Output: the board, by the teletype, whenever a number has moved, and at the end how many moves it took. Status: 0, or 1 for who
// gives up by "q". It draws in place on a PC's screen, and one board below the other where the teletype is a terminal.
#include "platform.h"
.code16

#define GAP 8                       // number n + 1 is n on the board, and the place without one is the last

.globl _start
_start:
    xorw  %ax, %ax
    movw  %ax, %ds
    movw  %ax, %ss
    movw  $_start, %sp
    cld
    sti
    movw  $0x0003, %ax              // a clear screen
    int   $0x10
    movb  $0x00, %ah                // the ticks since midnight: another board each time
    int   $0x1A
    movw  %dx, %bp

// Slides numbers at random, which leaves a board that can be solved.
    movw  $255, %cx                 // an odd number of moves: it is not in order
1:  imulw $25173, %bp
    addw  $13849, %bp
    movw  %bp, %ax
    shrw  $14, %ax                  // the high bits are the better ones
    call  slide
    jc    1b
    loop  1b

draw:
    movb  $0x02, %ah                // the cursor to the upper left
    movb  $0, %bh
    xorw  %dx, %dx
    int   $0x10
    movw  $title, %si
    call  print
    movw  $board, %si
    xorw  %bx, %bx                  // BL counts places, and BH numbers that are in theirs
2:  movb  $' ', %al
    call  put
    lodsb
    cmpb  %bl, %al
    jne   3f
    incb  %bh
3:  cmpb  $GAP, %al
    jne   4f
    movb  $'.' - '1', %al
4:  addb  $'1', %al
    call  put
    incb  %bl
    movb  %bl, %al
    aam   $3                        // AL = BL modulo 3
    testb %al, %al
    jnz   5f
    pushw %si
    movw  $line_end, %si
    call  print
    popw  %si
5:  cmpb  $9, %bl
    jne   2b
    cmpb  $9, %bh
    je    solved

key:
    movb  $0x00, %ah
    int   $0x16
    cmpb  $'q', %al
    je    give_up
    xchgb %ah, %al
    movw  $keys, %di
    movw  $4, %cx
    pushw %ds
    popw  %es
    repne scasb
    jne   key
    movw  $3, %ax
    subw  %cx, %ax                  // which of them it was
    call  slide
    jc    key
    incw  moves
    jmp   draw

solved:
    movw  $well, %si
    call  print
    movw  moves, %ax
    call  put_number
    movw  $well_end, %si
    movb  $0, %bl
    jmp   finish
give_up:
    movw  $bye, %si
    movb  $1, %bl
finish:
    call  print
    movb  %bl, %al
    movw  $EXIT_PORT, %dx
    outb  %al, %dx
6:  hlt                             // on a PC there is no such port
    jmp   6b

// Slides the number below, above, right or left of the gap into it, as AL says from 0 on. Sets the carry flag where there is none.
// Changes AX, BX and SI.
slide:
    movb  %al, %bl
    movw  $board - 1, %si
7:  incw  %si                       // where the gap is
    cmpb  $GAP, (%si)
    jne   7b
    movw  %si, %ax
    subw  $board, %ax
    aam   $3                        // AL is its column, and AH its row
    testb $2, %bl
    jnz   8f
    xchgb %ah, %al                  // up and down go by rows
8:  testb $1, %bl
    jnz   9f
    cmpb  $2, %al                   // up and left: the number is behind the gap
    je    stuck
    movw  $1, %ax
    jmp   10f
9:  testb %al, %al
    jz    stuck
    movw  $-1, %ax
10: testb $2, %bl
    jnz   11f
    imulw $3, %ax
11: movw  %si, %bx
    addw  %ax, %bx
    movb  (%bx), %al
    movb  $GAP, (%bx)
    movb  %al, (%si)
    clc
    ret
stuck:
    stc
    ret

// Prints AX in decimal. Changes AX, BX and DX.
put_number:
    xorw  %dx, %dx
    movw  $10, %bx
    divw  %bx
    pushw %dx
    testw %ax, %ax
    jz    8f
    call  put_number
8:  popw  %ax
    addb  $'0', %al

// Prints AL by the teletype. Changes AH.
put:
    pushw %bx
    movb  $0x0E, %ah
    movw  $0x0007, %bx
    int   $0x10
    popw  %bx
    ret

// Prints the zero-ended text at SI. Changes AX and SI.
print:
    lodsb
    testb %al, %al
    jz    9f
    call  put
    jmp   print
9:  ret

keys:                               // scan codes of the arrows up, down, left and right
    .byte 0x48, 0x50, 0x4B, 0x4D
board:
    .byte 0, 1, 2, 3, 4, 5, 6, 7, GAP
moves:
    .word 0
title:
    .ascii "Put the numbers in order with the arrow keys. q gives up."
line_end:
    .asciz "\r\n"
well:
    .asciz "Solved in "
well_end:
    .asciz " moves!\r\n"
bye:
    .asciz "Another time.\r\n"

    .org  510
    .word 0xAA55
