// Does work, in ring 3 or in ring 0. The same in a process: process.c.
// Words of the command line; others count for nothing:
//   work=        integer, memory or branches
//   steps=N      how much, 2^32 at most
//   ring=        3, or 0; 3 unless given
// Output: "begin NAME\n", and when the work is done its checksum: 16 hexadecimal digits and a newline.
// Status (exit port): 0, 2 bad command line, 3 no hypercalls. It takes 6 MiB of RAM.
#include "command-line.h"
#include "guest.h"
#include "hypercall.h"
#include "segments.h"
#include "task.h"

enum { BAD_COMMAND_LINE = 2, NO_HYPERCALLS = 3 };

static _Alignas(16) uint8_t stack[4096];
static struct task task;

/// Printed when this returns: it takes no time of what comes then.
static void say(const char *text, uint64_t length) {
    uint64_t time = 0;
    hypercall(HYPERCALL_WRITE, text, &length);
    hypercall(HYPERCALL_WAIT, NULL, &time);
}

static int run(const void *unused) {
    (void)unused;
    do_task(&task, say);
    return 0;
}

/// Reads `key=NUMBER`, if the word is there. False if it is no number, or larger than `most`.
static bool parse_option(const char *line, const char *key, uint64_t most, uint64_t *value) {
    const char *text = find_word(line, key);
    if (!text) return true;
    return parse_number(&text, value) && is_end_of_word(text) && *value <= most;
}

int guest_main(const struct boot_params *params) {
    const char *line = command_line(params), *name = find_word(line, "work=");
    uint64_t ring = 3;
    task.work = name ? find_work(name) : NULL;
    if (!task.work || !find_word(line, "steps=") || !parse_option(line, "steps=", MOST_STEPS, &task.steps)
        || !parse_option(line, "ring=", 3, &ring) || (ring != 0 && ring != 3)) return BAD_COMMAND_LINE;
    if (!has_hypercalls()) return NO_HYPERCALLS;
    if (ring == 0) return run(NULL);
    enter_ring3(run, NULL, stack + sizeof stack);
}
