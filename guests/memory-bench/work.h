// The work of memory-bench, and what it needs.
#pragma once

#include <stddef.h>

/// Makes bytes be seen outside, before it returns.
void show(const char *bytes, size_t count);

/// Waits for a byte of input.
void wait_for_input(void);

/// Touches 8 MiB, shows what it read there, and waits.
void work(void);
