// What a container lets a program do. The first argument says what it tries:
//   (none)     ends with status 7
//   arguments  prints all its arguments, a line each
//   call       asks for its process id, as x86-64 programs do, and prints it
//   call-i386  the same as i386 programs do
//   call-x32   the same as x32 programs do
//   grow       touches 256 MiB of memory
//   fault      reads what is not there
// Status: 0 when nothing hindered it.
#include "system.h"

enum { SYS_GETPID = 39, SYS_GETPID_I386 = 20, X32 = 0x40000000, PAGE = 4096, MEMORY = 256 << 20 };

static volatile char memory[MEMORY];

static void print(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    write_bytes(text, length);
}

static void print_number(long number) {
    char digits[21], *first = digits + sizeof digits;
    *--first = 0;
    if (number < 0) print("-");
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do *--first = (char)('0' + rest % 10); while (rest /= 10);
    print(first);
    print("\n");
}

static bool is(const char *text, const char *other) {
    while (*text && *text == *other) {
        text++;
        other++;
    }
    return *text == *other;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (is(what, "arguments")) {
        for (int index = 0; index < argc; index++) {
            print(argv[index]);
            print("\n");
        }
    } else if (is(what, "call")) {
        print_number(system_call(SYS_GETPID, 0, 0, 0));
    } else if (is(what, "call-i386")) {
        long answer;
        asm volatile("int $0x80" : "=a"(answer) : "a"((long)SYS_GETPID_I386) : "memory");
        print_number(answer);
    } else if (is(what, "call-x32")) {
        print_number(system_call(SYS_GETPID | X32, 0, 0, 0));
    } else if (is(what, "grow")) {
        for (int offset = 0; offset < MEMORY; offset += PAGE) memory[offset] = 1;
    } else if (is(what, "fault")) {
        return *(volatile char *)PAGE;
    } else {
        return 7;
    }
    return 0;
}
