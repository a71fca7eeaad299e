// Examines the 16550A UART and names every difference from its data sheet (National Semiconductor PC16550D, June 1995).
// Output: "16550A: every check passed\n"; else a line `<register>: got <X>, data sheet <Y>` for each difference and
// `<chip>: <N> differences`. Status: the number of differences, at most 255.
//
// It speaks through the debug console, since the UART is what is under test, and looks at registers only: interrupts
// stay off in the CPU. A byte takes no time on an emulated line, and only the character timeout is waited for: a chip
// with a real line would be found different.
#include "platform.h"
.code16

// The registers by their offsets (table II). Offset 0 and 1 are the divisor while LCR bit 7 is set.
#define RBR 0
#define THR 0
#define DLL 0
#define IER 1
#define DLM 1
#define IIR 2
#define FCR 2
#define EFR 2                       // of later chips
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define SCR 7

// The steps of the examination, as checks.inc lists them: a code, its operands, and a name where something is compared.
#define STEP_END 0
#define STEP_WRITE 1                // register, value
#define STEP_TAKE 2                 // register: read, and whatever comes is right
#define STEP_CHECK 3                // register, which bits, what they must be; name
#define STEP_FILL 4                 // first byte, count: sends so many bytes, each one more than the last
#define STEP_WAIT 5                 // until IIR shows a cause, but not for ever
#define STEP_DRAIN 6                // first byte, count; name: receives them, and each must be what FILL sent

.globl _start
_start:
    cld
    movw  $checks, %si
next:
    lodsb                           // AL = the step's code
    cmpb  $STEP_END, %al
    je    name_the_chip
    movw  $next, %cx
    pushw %cx                       // where the step returns to
    cmpb  $STEP_WRITE, %al
    je    step_write
    cmpb  $STEP_TAKE, %al
    je    step_take
    cmpb  $STEP_CHECK, %al
    je    step_check
    cmpb  $STEP_FILL, %al
    je    step_fill
    cmpb  $STEP_WAIT, %al
    je    step_wait
    jmp   step_drain

step_write:
    call  register
    lodsb
    outb  %al, %dx
    ret

step_take:
    call  register
    inb   %dx, %al
    ret

step_check:
    call  register
    lodsw                           // AL = which bits, AH = what they must be
    movb  %al, %bl
    movb  %ah, %bh
    inb   %dx, %al
    andb  %bl, %al
    movw  %si, %di                  // the name
    call  skip_name
    jmp   compare

step_fill:
    lodsw                           // AL = the first byte, AH = the count
    movzbw %ah, %cx
    movw  $(UART_DATA + THR), %dx
1:  outb  %al, %dx
    incb  %al
    loop  1b
    ret

// 65,535 reads take more than the four characters of 10 bits at 115,200 baud, 0.35 ms, anywhere.
step_wait:
    movw  $65535, %cx
    movw  $(UART_DATA + IIR), %dx
1:  inb   %dx, %al
    testb $0x01, %al                // set while there is no cause
    loopnz 1b
    ret

step_drain:
    lodsw
    movb  %al, %bh                  // the byte to come
    movzbw %ah, %cx
    movw  %si, %di
    call  skip_name
1:  movw  $(UART_DATA + RBR), %dx
    inb   %dx, %al
    call  compare
    incb  %bh
    loop  1b
    ret

// DX = the port of the register that the step names next.
register:
    lodsb
    movzbw %al, %dx
    addw  $UART_DATA, %dx
    ret

// Moves SI behind the name. Keeps the other registers.
skip_name:
    cmpb  $0, (%si)
    leaw  1(%si), %si               // changes no flag
    jne   skip_name
    ret

// Counts and prints a difference if AL is not BH; DI is the name. Changes AX and DX.
compare:
    cmpb  %bh, %al
    je    1f
    incw  differences
    pushw %si
    movw  %di, %si
    call  say
    movw  $got, %si
    call  say
    call  say_hex
    movw  $expected, %si
    call  say
    movb  %bh, %al
    call  say_hex
    movb  $'\n', %al
    outb  %al, $DEBUG_PORT
    popw  %si
1:  ret

// Finds out which chip this is, says how the examination went, and ends the run.
name_the_chip:
    call  identify                  // DI = the chip's name
    cmpw  $chip_16550a, %di
    je    1f
    incw  differences
    movw  $chip_got, %si
    call  say
    movw  %di, %si
    call  say
    movw  $chip_expected, %si
    call  say
1:  movw  %di, %si
    call  say
    movw  differences, %ax
    testw %ax, %ax
    jnz   1f
    movw  $passed, %si
    jmp   2f
1:  movw  $colon, %si
    call  say
    call  say_decimal
    movw  $differ, %si
2:  call  say
    cmpw  $255, %ax
    jbe   1f
    movb  $255, %al
1:  movw  $EXIT_PORT, %dx
    outb  %al, %dx
1:  hlt                             // not reached: the write ended the run
    jmp   1b

// Prints the zero-terminated text at SI. Changes SI.
say:
    pushw %ax
1:  lodsb
    testb %al, %al
    jz    2f
    outb  %al, $DEBUG_PORT
    jmp   1b
2:  popw  %ax
    ret

// Prints AL as 0x and two digits. Keeps all registers.
say_hex:
    pushw %ax
    movb  $'0', %al
    outb  %al, $DEBUG_PORT
    movb  $'x', %al
    outb  %al, $DEBUG_PORT
    popw  %ax
    pushw %ax
    shrb  $4, %al
    call  1f
    popw  %ax
    pushw %ax
    andb  $0x0F, %al
    call  1f
    popw  %ax
    ret
1:  addb  $'0', %al                 // one digit
    cmpb  $'9', %al
    jbe   2f
    addb  $('a' - '9' - 1), %al
2:  outb  %al, $DEBUG_PORT
    ret

// Prints AX in decimal. Keeps AX; changes BX, CX and DX.
say_decimal:
    pushw %ax
    movw  $10, %bx
    xorw  %cx, %cx
1:  xorw  %dx, %dx
    divw  %bx                       // DX = the last digit, AX = the others
    pushw %dx
    incw  %cx
    testw %ax, %ax
    jnz   1b
1:  popw  %ax
    addb  $'0', %al
    outb  %al, $DEBUG_PORT
    loop  1b
    popw  %ax
    ret

differences:
    .word 0

got:
    .asciz ": got "
expected:
    .asciz ", data sheet "
chip_got:
    .asciz "chip: got "
chip_expected:
    .asciz ", data sheet 16550A\n"
colon:
    .asciz ": "
differ:
    .asciz " differences\n"
passed:
    .asciz ": every check passed\n"

#include "identify.inc"
#include "checks.inc"
