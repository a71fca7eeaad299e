// String input: REP INSB reads 16 bytes from a port whose every byte is 0xE9, first upwards, then downwards in memory.
// Output: "REP INSB: 16 bytes, all 0xe9\n", or what went wrong. Status: 0 (halted), or 1 (exit port) if something did.
//
// KVM asks the monitor for string input in batches, but never across a page nor downwards (DF = 1). The buffer crosses
// a page, so a monitor that mixes up the bytes of a batch, or their number, is found out here.
#include "platform.h"
.code16

#define COUNT 16
#define BUFFER 0x8FF9               // 7 bytes before a page boundary, the rest behind it

.globl _start
_start:
    call  clear
    movw  $BUFFER, %di
    movw  $COUNT, %cx
    movw  $DEBUG_PORT, %dx
    cld
    rep insb                        // CX times: read port DX to ES:DI, advance DI
    movw  $(BUFFER + COUNT), %bx    // where DI must be now
    call  check

    call  clear
    movw  $(BUFFER + COUNT - 1), %di
    movw  $COUNT, %cx
    movw  $DEBUG_PORT, %dx
    std
    rep insb                        // the same downwards, from the last byte to the first
    cld
    movw  $(BUFFER - 1), %bx
    call  check

    movw  $good, %si
    call  print
    jmp   halt

// Zeroes the buffer and one byte on each side.
clear:
    movw  $(BUFFER - 1), %di
    movw  $(COUNT + 2), %cx
    xorb  %al, %al
    rep stosb
    ret

// Returns if CX is 0, DI equals BX, the buffer is full of 0xE9 and its neighbours are untouched.
check:
    movw  $bad_registers, %si
    testw %cx, %cx
    jnz   fail
    cmpw  %bx, %di
    jne   fail
    movw  $bad_neighbour, %si
    cmpb  $0, BUFFER - 1
    jne   fail
    cmpb  $0, BUFFER + COUNT
    jne   fail
    movw  $bad_byte, %si
    movw  $BUFFER, %di
    movw  $COUNT, %cx
    movb  $0xE9, %al
    repe scasb                      // stops early at a byte that differs from AL
    jne   fail
    ret

fail:
    call  print
    movb  $1, %al
    movw  $EXIT_PORT, %dx
    outb  %al, %dx
    jmp   halt

good:
    .asciz "REP INSB: 16 bytes, all 0xe9\n"
bad_registers:
    .asciz "REP INSB: CX or DI is wrong\n"
bad_neighbour:
    .asciz "REP INSB: wrote outside the buffer\n"
bad_byte:
    .asciz "REP INSB: a byte is not 0xe9\n"

#include "console.inc"
