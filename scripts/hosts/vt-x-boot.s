# The boot sector of the host that scripts/on-vt-x emulates. It loads an uncompressed kernel straight into place: with a
# boot loader and the kernel as packaged, two thirds of a trip would be the loader's copying and the kernel's unpacking.
#
# The disk: this sector; 8 sectors of boot parameters, 4 of command line, the kernel, the initramfs. How many sectors
# the latter two have stands in the boot parameters (Linux, Documentation/x86/boot.rst, "64-bit boot protocol").

        .set BOOT_PARAMETERS, 0x90000   # the command line follows, at 0x91000
        .set E820_ENTRIES, 0x1e8        # offsets in the boot parameters
        .set SYSSIZE, 0x1f4             # size of the kernel in 16-byte units
        .set RAMDISK_IMAGE, 0x218       # address
        .set RAMDISK_SIZE, 0x21c        # in bytes
        .set E820_TABLE, 0x2d0
        .set KERNEL, 0x1000000          # where it is linked to run, CONFIG_PHYSICAL_START
        .set MEMORY_MAP, 0x8000
        .set PAGE_TABLES, 0x70000       # PML4, page directory pointers, page directory

        .code16
        .globl _start
_start: cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        cld

        # The firmware's memory map, one entry of 20 bytes per call.
        xorl    %ebx, %ebx
        movw    $MEMORY_MAP, %di
1:      movl    $0xe820, %eax
        movl    $20, %ecx
        movl    $0x534d4150, %edx       # "SMAP"
        int     $0x15
        jc      2f
        addw    $20, %di
        testl   %ebx, %ebx
        jnz     1b
2:      movw    %di, map_end

        # The A20 gate, then 32-bit protected mode.
        inb     $0x92, %al
        orb     $2, %al
        outb    %al, $0x92
        lgdtl   gdt_pointer
        movl    $1, %eax
        movl    %eax, %cr0
        ljmpl   $0x10, $protected

        .code32
protected:
        movw    $0x18, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss

        movl    $1, %ebx
        movl    $12, %ebp
        movl    $BOOT_PARAMETERS, %edi
        call    read
        movl    BOOT_PARAMETERS + SYSSIZE, %ebp
        shrl    $5, %ebp
        movl    $KERNEL, %edi
        call    read
        movl    BOOT_PARAMETERS + RAMDISK_SIZE, %ebp
        addl    $511, %ebp
        shrl    $9, %ebp
        movl    BOOT_PARAMETERS + RAMDISK_IMAGE, %edi
        call    read

        movl    $MEMORY_MAP, %esi
        movl    $(BOOT_PARAMETERS + E820_TABLE), %edi
        movzwl  map_end, %ecx
        subl    %esi, %ecx
        movl    %ecx, %eax
        rep movsb
        movb    $20, %cl
        divb    %cl
        movb    %al, BOOT_PARAMETERS + E820_ENTRIES

        # The first GiB at its own address, in pages of 2 MiB.
        movl    $PAGE_TABLES, %edi
        movl    %edi, %cr3
        xorl    %eax, %eax
        movl    $(2 * 4096 / 4), %ecx
        rep stosl
        movl    $(PAGE_TABLES + 0x1003), PAGE_TABLES
        movl    $(PAGE_TABLES + 0x2003), PAGE_TABLES + 0x1000
        movl    $0x83, %eax             # present, writable, large
        movl    $512, %ecx
3:      movl    %eax, (%edi)
        movl    $0, 4(%edi)
        addl    $8, %edi
        addl    $0x200000, %eax
        loop    3b

        # PAE, EFER.LME, paging: long mode. The kernel's entry expects the boot parameters' address in RSI.
        movl    $0x20, %eax
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    $0x80000001, %eax
        movl    %eax, %cr0
        ljmpl   $0x20, $long_mode

        .code64
long_mode:
        movl    $BOOT_PARAMETERS, %esi
        movl    $KERNEL, %eax
        jmp     *%rax

        # Reads EBP sectors from number EBX on to EDI: ATA, READ SECTORS with a 28-bit address, up to 256 at a time.
        .code32
read:   movl    $256, %ecx
        cmpl    %ecx, %ebp
        jae     4f
        movl    %ebp, %ecx
4:      jecxz   8f
        movl    $0x1f2, %edx            # count; 256 is 0
        movl    %ecx, %eax
        outb    %al, %dx
        movl    %ebx, %eax
        orl     $0xe0000000, %eax       # the drive, and that this is a block address
        movl    $4, %esi
5:      incl    %edx
        outb    %al, %dx
        shrl    $8, %eax
        decl    %esi
        jnz     5b
        incl    %edx
        movb    $0x20, %al
        outb    %al, %dx
        addl    %ecx, %ebx
        subl    %ecx, %ebp
6:      movl    $0x1f7, %edx
7:      inb     %dx, %al
        andb    $0x88, %al              # busy, data request
        cmpb    $0x08, %al
        jne     7b
        movb    $0xf0, %dl
        pushl   %ecx
        movl    $128, %ecx
        rep insl
        popl    %ecx
        loop    6b
        jmp     read
8:      ret

map_end:
        .word   0
        .balign 8
        # The selectors that the 64-bit boot protocol wants: code 0x10, data 0x18.
gdt:    .quad   0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .org    510
        .word   0xaa55
