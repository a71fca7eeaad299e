// INT 10h in text modes: modes, cursor, pages, letters, scrolling, strings and colours.
// Output: on port 0xE9, what each call gives and what stands on the screen; what the teletype prints is before its line, where the BIOS
// prints it on no console by the guest itself. Status: 33.
#include "platform.h"
#include "bios.inc"

// Prints what the next call prints, where the BIOS is not swiftvmm's, by its date, and so prints on the screen alone.
.macro ECHO text:req
    call  echo
    .asciz "\text"
.endm

    BOOT
main:
    CALL "set mode 3" 0x10 ax=0x0003
    CALL "get mode" 0x10 ax=0x0F00
    call  dump_area
    CALL "get cursor" 0x10 ax=0x0300
    CALL "set cursor" 0x10 ax=0x0200 dx=0x050A
    CALL "set shape" 0x10 ax=0x0100 cx=0x0102
    CALL "get cursor" 0x10 ax=0x0300
    CALL "set cursor of page 2" 0x10 ax=0x0200 bx=0x0200 dx=0x0102
    CALL "get cursor of page 2" 0x10 ax=0x0300 bx=0x0200
    CALL "get cursor of page 9" 0x10 ax=0x0300 bx=0x0900
    ECHO "A"
    CALL "teletype" 0x10 ax=0x0E41 bx=0x0004
    ECHO "\b"
    CALL "teletype, backspace" 0x10 ax=0x0E08
    ECHO "B"
    CALL "teletype" 0x10 ax=0x0E42
    ECHO "\r"
    CALL "teletype, return" 0x10 ax=0x0E0D
    CALL "get cursor" 0x10 ax=0x0300
    ECHO "\n"
    CALL "teletype, line feed" 0x10 ax=0x0E0A
    ECHO "\007"
    CALL "teletype, bell" 0x10 ax=0x0E07
    ECHO "C"
    CALL "teletype" 0x10 ax=0x0E43
    CALL "get cursor" 0x10 ax=0x0300
    CALL "write with attribute" 0x10 ax=0x0978 bx=0x001E cx=5
    CALL "read" 0x10 ax=0x0800
    CALL "write without" 0x10 ax=0x0A79 bx=0x0077 cx=3
    CALL "read" 0x10 ax=0x0800
    CALL "get cursor" 0x10 ax=0x0300
    CALL "write over a line's end" 0x10 ax=0x0200 dx=0x084E
    CALL "write" 0x10 ax=0x0957 bx=0x0070 cx=4
    ECHO "Hello"
    CALL "string" 0x10 ax=0x1300 bx=0x002F cx=5 dx=0x0A02 bp=text
    CALL "get cursor" 0x10 ax=0x0300
    ECHO "Hello!\r"
    CALL "string, moving" 0x10 ax=0x1301 bx=0x003F cx=7 dx=0x0B4C bp=text
    CALL "get cursor" 0x10 ax=0x0300
    ECHO "rgb"
    CALL "string with attributes" 0x10 ax=0x1302 cx=3 dx=0x0D02 bp=colored
    ECHO "rgb"
    CALL "string with attributes, moving" 0x10 ax=0x1303 cx=3 dx=0x0E02 bp=colored
    CALL "get cursor" 0x10 ax=0x0300
    call  dump_page

    CALL "scroll up" 0x10 ax=0x0601 bx=0x1700 cx=0x0400 dx=0x0F20
    CALL "scroll down" 0x10 ax=0x0702 bx=0x2700 cx=0x0605 dx=0xFFFF
    call  dump_page
    CALL "clear a part" 0x10 ax=0x0600 bx=0x4700 cx=0x0A0A dx=0x0B14
    CALL "clear more than there is" 0x10 ax=0x0763 bx=0x5700 cx=0x0C00 dx=0x0D09
    CALL "scroll nothing" 0x10 ax=0x0601 bx=0x6700 cx=0x0505 dx=0x0404
    call  dump_page

    CALL "set cursor, last" 0x10 ax=0x0200 dx=0x184F
    ECHO "Z"
    CALL "teletype, at the end" 0x10 ax=0x0E5A
    CALL "get cursor" 0x10 ax=0x0300
    ECHO "Y"
    CALL "teletype, behind" 0x10 ax=0x0E59
    call  dump_page

    CALL "show page 1" 0x10 ax=0x0501
    CALL "get mode" 0x10 ax=0x0F00
    ECHO "P"
    CALL "teletype" 0x10 ax=0x0E50
    CALL "get cursor of page 1" 0x10 ax=0x0300 bx=0x0100
    CALL "read page 0" 0x10 ax=0x0800
    call  dump_area
    CALL "show page 0" 0x10 ax=0x0500

    CALL "get palette 6" 0x10 ax=0x1007 bx=0x0006
    CALL "set palette 6" 0x10 ax=0x1000 bx=0x2A06
    CALL "get palette 6" 0x10 ax=0x1007 bx=0x0006
    CALL "set border" 0x10 ax=0x1001 bx=0x0500
    CALL "get border" 0x10 ax=0x1008
    CALL "set all" 0x10 ax=0x1002 dx=palette
    CALL "get all" 0x10 ax=0x1009 dx=buffer
    movw  $buffer, %si
    movw  $17, %cx
    call  print_bytes
    CALL "get color 20" 0x10 ax=0x1015 bx=0x0014
    CALL "get color 63" 0x10 ax=0x1015 bx=0x003F
    CALL "set color 63" 0x10 ax=0x1010 bx=0x003F cx=0x0102 dx=0x0300
    CALL "get color 63" 0x10 ax=0x1015 bx=0x003F
    CALL "set two" 0x10 ax=0x1012 bx=0x0010 cx=2 dx=palette
    CALL "get two" 0x10 ax=0x1017 bx=0x0010 cx=2 dx=buffer
    movw  $buffer, %si
    movw  $6, %cx
    call  print_bytes

    CALL "adapter" 0x10 ax=0x1A00
    CALL "configuration" 0x10 ax=0x1200 bx=0x0010
    CALL "lines" 0x10 ax=0x1202 bx=0x0030
    CALL "50 lines" 0x10 ax=0x1112
    call  dump_area
    CALL "set cursor, last" 0x10 ax=0x0200 dx=0x314F
    ECHO "2"
    CALL "teletype, at the end" 0x10 ax=0x0E32
    CALL "get cursor" 0x10 ax=0x0300
    CALL "28 lines" 0x10 ax=0x1111
    call  dump_area
    CALL "25 lines" 0x10 ax=0x1114
    call  dump_area
    CALL "set mode 1" 0x10 ax=0x0001
    CALL "get mode" 0x10 ax=0x0F00
    call  dump_area
    ECHO "4"
    CALL "teletype" 0x10 ax=0x0E34
    CALL "set mode 3, without clearing" 0x10 ax=0x0083
    CALL "get mode" 0x10 ax=0x0F00
    CALL "read" 0x10 ax=0x0800
    CALL "set mode 2" 0x10 ax=0x0002
    call  dump_page
    jmp   end_run

echo:
    pushw %bp
    movw  %sp, %bp
    pushaw
    movw  2(%bp), %si
    pushw $0xF000
    popw  %es
    cmpl  $0x302F3130, %es:0xFFF5   // "01/0"
    je    1f
    call  print_text
    jmp   2f
1:  lodsb
    testb %al, %al
    jnz   1b
2:  movw  %si, 2(%bp)
    pushw $0
    popw  %es
    popaw
    popw  %bp
    ret

// What the data area says: mode to cursor shape and page, rows, and adapter.
dump_area:
    movw  $0x449, %si
    movw  $9, %cx
    call  print_bytes
    movw  $0x460, %si
    movw  $5, %cx
    call  print_bytes
    movw  $0x484, %si
    movw  $3, %cx
    jmp   print_bytes

// Lines of the screen that are not empty: number, sum of all cells, letters.
dump_page:
    pushw $0xB800
    popw  %es
    xorw  %si, %si
    movb  $0, row
1:  xorw  %bx, %bx                  // of the cells that are not empty, with where they are
    xorw  %cx, %cx
    pushw %si
2:  movw  %es:(%si), %ax
    cmpw  $0x0720, %ax
    je    3f
    addw  %cx, %ax
    rolw  $1, %bx
    addw  %ax, %bx
3:  addw  $2, %si
    incw  %cx
    cmpw  $80, %cx
    jne   2b
    popw  %si
    testw %bx, %bx
    jz    5f
    movb  row, %al
    call  print_byte
    movb  $' ', %al
    outb  %al, $DEBUG_PORT
    movw  %bx, %ax
    call  print_word
    movb  $' ', %al
    outb  %al, $DEBUG_PORT
    movw  $80, %cx
    pushw %si
4:  movb  %es:(%si), %al
    outb  %al, $DEBUG_PORT
    addw  $2, %si
    loop  4b
    movb  $'\n', %al
    outb  %al, $DEBUG_PORT
    popw  %si
5:  addw  $160, %si
    incb  row
    cmpb  $25, row
    jne   1b
    pushw $0
    popw  %es
    ret

row:
    .byte 0
text:
    .ascii "Hello!\r"
colored:
    .byte 'r', 0x04, 'g', 0x02, 'b', 0x01
palette:
    .byte 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 9
buffer:
    .fill 32

    BOOT_END
