// What `swiftvmm compare compute` has done everywhere: work that is compiled once, and linked into a guest and into a process.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// Parts of work are counted in steps of so many operations.
enum { OPERATIONS = 1 << 16 };

struct work {
    const char *name;
    /// What comes before it, once; NULL for nothing.
    void (*prepare)(void);
    /// Does so many steps, and returns a checksum of all that it came by.
    uint64_t (*run)(uint64_t steps);
};

enum { WORK_COUNT = 3 };

extern const struct work works[WORK_COUNT];

/// Finds a work by the word that `name` begins with, which a blank or its end ends. NULL if there is none.
const struct work *find_work(const char *name);
