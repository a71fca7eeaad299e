// Opens the A20 gate in the ways that boot loaders do, and shows that it is open. None of them may reset the machine,
// although the reset line is the neighbouring bit in each.
// Output: "A20 is on\n". Status: 0 (halted), or 1 (exit port) if the gate is shut.
//
// The 8086 wrapped addresses around at 1 MiB, and the PC/AT could hold address line 20 at zero to be as it was. Whoever
// boots must open that gate before memory above 1 MiB is of use.
#include "platform.h"
.code16

#define SYSTEM_CONTROL 0x92         // bit 1: A20 gate; bit 0: 0 -> 1 resets
#define KEYBOARD_DATA 0x60
#define KEYBOARD_COMMAND 0x64       // read: status; write: command
#define OUTPUT_FULL 0x01            // status: a byte waits to be read from 0x60
#define INPUT_FULL 0x02             // status: the controller has not taken the last byte yet
#define READ_OUTPUT_PORT 0xD0
#define WRITE_OUTPUT_PORT 0xD1      // the output port's bit 1: A20 gate; bit 0: low resets
#define PULSE_NOTHING 0xFF          // pulses output line n low where bit n of the command is 0; so 0xFE resets

.globl _start
_start:
    inb   $SYSTEM_CONTROL, %al      // the fast way
    orb   $0x02, %al
    andb  $0xFE, %al
    outb  %al, $SYSTEM_CONTROL

    movb  $WRITE_OUTPUT_PORT, %al   // the old way
    call  command
    call  wait_input_empty
    movb  $0xDF, %al
    outb  %al, $KEYBOARD_DATA
    movb  $PULSE_NOTHING, %al       // some controllers act on the write only after another command
    call  command

    movb  $READ_OUTPUT_PORT, %al    // some loaders look at the result
    call  command
    call  wait_output_full
    inb   $KEYBOARD_DATA, %al

    movw  $0xFFFF, %ax              // FFFF:0510 is 0x100500: with the gate shut it is the same byte as 0000:0500
    movw  %ax, %es
    movw  $0x1234, 0x500
    movw  $0xABCD, %es:0x510
    cmpw  $0x1234, 0x500
    jne   shut
    cmpw  $0xABCD, %es:0x510
    jne   shut
    movw  $on, %si
    call  print
    jmp   halt

shut:
    movw  $off, %si
    call  print
    movb  $1, %al
    movw  $EXIT_PORT, %dx
    outb  %al, %dx
    jmp   halt

// Gives the keyboard controller the command in AL.
command:
    call  wait_input_empty
    outb  %al, $KEYBOARD_COMMAND
    ret

// Both waits keep AX and give up after 32 looks: a machine without a keyboard controller must not hang a boot loader.
wait_input_empty:
    pushw %ax
    movw  $32, %cx
1:  inb   $KEYBOARD_COMMAND, %al
    testb $INPUT_FULL, %al
    loopnz 1b                       // while the bit is set and CX, counted down, is not 0
    popw  %ax
    ret

wait_output_full:
    pushw %ax
    movw  $32, %cx
1:  inb   $KEYBOARD_COMMAND, %al
    testb $OUTPUT_FULL, %al
    loopz 1b
    popw  %ax
    ret

on:
    .asciz "A20 is on\n"
off:
    .asciz "A20 is off\n"

#include "console.inc"
