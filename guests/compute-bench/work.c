#include "work.h"
#include <stddef.h>

/// 4 MiB: more than the caches of one core hold.
enum { CELLS = 1 << 19 };

static uint64_t cells[CELLS];

/// The next number of a xorshift generator with 64 bits (Marsaglia 2003); never 0.
static inline uint64_t next(uint64_t state) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^ state << 17;
}

static inline uint64_t rotate(uint64_t value, unsigned count) { return value << count | value >> (64 - count); }

/// Shifts, additions and multiplications, each of which needs the one before.
static uint64_t integer(uint64_t steps) {
    uint64_t state = 1, sum = 0;
    for (uint64_t left = steps * OPERATIONS; left; left--) {
        state = next(state);
        sum = rotate(sum + state, 23) * 0x9E3779B97F4A7C15;
    }
    return sum;
}

/// The first touch of a page has the system find one, which is not what is measured.
static void fill_memory(void) {
    for (size_t index = 0; index < CELLS; index++) cells[index] = index;
}

/// Reads and writes all over the memory, in an order that cannot be foreseen.
static uint64_t memory(uint64_t steps) {
    uint64_t state = 1, sum = 0;
    for (uint64_t left = steps * OPERATIONS; left; left--) {
        state = next(state);
        uint64_t *cell = &cells[state >> 45];
        sum += *cell;
        *cell = sum ^ state;
    }
    return sum;
}

/// Tells the compiler that a value may have become another: it must not make one of several paths.
static inline uint64_t opaque(uint64_t value) {
    asm volatile("" : "+r"(value));
    return value;
}

/// Jumps that cannot be foreseen.
static uint64_t branches(uint64_t steps) {
    uint64_t state = 1, sum = 0;
    for (uint64_t left = steps * OPERATIONS; left; left--) {
        state = next(state);
        switch (state >> 61) {
            case 0: sum = opaque(sum + state); break;
            case 1: sum = opaque(sum ^ state); break;
            case 2: sum = opaque(sum - state); break;
            case 3: sum = opaque(rotate(sum, 7)); break;
            case 4: sum = opaque(sum * 5); break;
            case 5: sum = opaque(~sum); break;
            case 6: sum = opaque(sum + 0x9E3779B97F4A7C15); break;
            default: if (sum & 1) sum = opaque(sum >> 1); break;
        }
    }
    return sum;
}

const struct work works[WORK_COUNT] = {
    { "integer", NULL, integer },
    { "memory", fill_memory, memory },
    { "branches", NULL, branches },
};

const struct work *find_work(const char *name) {
    for (unsigned index = 0; index < WORK_COUNT; index++) {
        const char *own = works[index].name, *given = name;
        while (*own && *own == *given) own++, given++;
        if (!*own && (!*given || *given == ' ')) return &works[index];
    }
    return NULL;
}
