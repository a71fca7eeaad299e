// Work that is begun, done and told in the same words wherever it is done.
#pragma once

#include "work.h"

#define MOST_STEPS (1ull << 32)

struct task {
    const struct work *work;
    uint64_t steps;
};

/// Tells the beginning, does the work and tells its checksum, each by one call of `say`.
static inline void do_task(const struct task *task, void (*say)(const char *text, uint64_t length)) {
    char text[32] = "begin ";
    unsigned length = 6;
    for (const char *name = task->work->name; *name && length < sizeof text - 1; name++) text[length++] = *name;
    text[length++] = '\n';
    if (task->work->prepare) task->work->prepare();
    say(text, length);
    uint64_t sum = task->work->run(task->steps);
    for (length = 0; length < 16; length++) text[length] = "0123456789abcdef"[sum >> (60 - 4 * length) & 15];
    text[length++] = '\n';
    say(text, length);
}
