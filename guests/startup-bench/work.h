// The work of startup-bench, and what it needs.
#pragma once

#include <stddef.h>

/// Makes bytes be seen outside, before it returns.
void show(const char *bytes, size_t count);

/// Shows a first byte, computes, and shows the result.
void work(void);
