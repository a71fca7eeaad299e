// What the programs for the host share: Linux's system calls, without a C library (x86-64: numbers of arch/x86/entry/syscalls/syscall_64.tbl).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYS_READ = 0, SYS_WRITE = 1, SYS_EXIT_GROUP = 231 };

/// The call's answer: negative numbers above -4096 are errors.
static inline long system_call(long number, long first, long second, long third) {
    long answer;
    asm volatile("syscall" : "=a"(answer) : "a"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return answer;
}

static inline long read_bytes(int descriptor, void *bytes, size_t count) {
    return system_call(SYS_READ, descriptor, (long)bytes, (long)count);
}

static inline _Noreturn void end_process(int status) {
    for (;;) system_call(SYS_EXIT_GROUP, status, 0, 0);
}

/// Writes all of it to standard output, or ends the process with status 74.
static inline void write_bytes(const void *bytes, size_t count) {
    enum { INTERRUPTED = -4, OUTPUT_FAILED = 74 };
    const char *rest = bytes;
    while (count) {
        long written = system_call(SYS_WRITE, 1, (long)rest, (long)count);
        if (written == INTERRUPTED) continue;
        if (written <= 0) end_process(OUTPUT_FAILED);
        rest += written;
        count -= (size_t)written;
    }
}
