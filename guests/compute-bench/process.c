// Does work as a process: `compute-process NAME STEPS`. The same as a guest: main.c, which tells what is printed.
// Status: 0, or 2 for bad arguments.
#include "system.h"
#include "task.h"

enum { BAD_ARGUMENTS = 2 };

static void say(const char *text, uint64_t length) { write_bytes(text, length); }

/// False if it is no decimal number, or too large.
static bool parse_steps(const char *text, uint64_t *steps) {
    *steps = 0;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        *steps = *steps * 10 + (uint64_t)(*text - '0');
        if (*steps > MOST_STEPS) return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct task task;
    if (argc != 3 || !(task.work = find_work(argv[1])) || !parse_steps(argv[2], &task.steps)) return BAD_ARGUMENTS;
    do_task(&task, say);
    return 0;
}
