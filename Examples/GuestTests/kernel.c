// A kernel of one file, entered in 64-bit mode with Linux's boot parameters in RSI. It tells how much memory it has, asks for a name by
// the serial port, greets, and ends with status 0; a name of "crash" is its undoing.
#include <stdint.h>

enum { UART_DATA = 0x3F8, UART_LINE_STATUS = 0x3FD, DATA_READY = 1, EXIT_PORT = 0x500 };

// Of Linux's boot parameters (Documentation/arch/x86/zero-page.rst): the memory map, entries of 20 bytes each.
enum { E820_COUNT = 0x1E8, E820_TABLE = 0x2D0, E820_USABLE = 1 };
struct e820_entry {
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed));

// The stack is there. A call leaves it as the compiler expects it in a function; RSI becomes the first argument.
asm(".globl _start\n_start: movq %rsi, %rdi\n call kernel_main");

static void write_port(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

static uint8_t read_port(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text) {
    for (; *text; text++) write_port(UART_DATA, *text);
}

static void print_number(uint64_t number) {
    char digits[21], *first = digits + 20;
    *first = 0;
    do *--first = '0' + number % 10;
    while (number /= 10);
    print(first);
}

static void read_line(char *line, int size) {
    for (int length = 0;;) {
        while (!(read_port(UART_LINE_STATUS) & DATA_READY)) {}
        char byte = read_port(UART_DATA);
        line[length] = 0;
        if (byte == '\n') return;
        if (length < size - 1) line[length++] = byte;
    }
}

static uint64_t memory_end(const uint8_t *parameters) {
    const struct e820_entry *map = (const void *)(parameters + E820_TABLE);
    uint64_t end = 0;
    for (int i = 0; i < parameters[E820_COUNT]; i++)
        if (map[i].type == E820_USABLE && map[i].start + map[i].size > end) end = map[i].start + map[i].size;
    return end;
}

static int is_same(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

void kernel_main(const uint8_t *parameters) {
    char name[64];
    print("memory: ");
    print_number(memory_end(parameters) >> 20);
    print(" MiB\nname? ");
    read_line(name, sizeof name);
    if (is_same(name, "crash")) asm volatile("ud2");
    print("hello, ");
    print(name);
    print("!\n");
    write_port(EXIT_PORT, 0);
    for (;;) asm volatile("hlt");
}
