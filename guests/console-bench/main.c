// Gives a stream of bytes away in one of several ways, each as well as it can be done: what is measured is the way.
// Words of the command line; others count for nothing:
//   technique=   uart-blind, uart-polled, uart-interrupt (needs --irqchip full or split), uart-outsb, debug, hypercall,
//                virtio, or virtio-read, which receives that stream and checks it
//   bytes=N      how many, 2^40 at most
//   buffer=N     bytes of a request, a descriptor or a string instruction, 1 to 65536; 4096 unless given
//   depth=N      how many such buffers may be under way, 1 to 256; 256 unless given
//   indirect=, event-index=   1 or 0: whether the virtio driver uses the feature if the device has it; 0 and 1 unless given
// Output: byte i is P[i mod 65521], where s = 1, then for each k: s = s * 1664525 + 1013904223 (mod 2^32), P[k] = s >> 24.
// The period is a prime, so that a buffer that was lost, doubled or swapped shows.
// Status (exit port): 0 when the device has it all, 2 bad command line, 3 no such device, 4 the device failed, 5 wrong bytes
// received. Reasons, and what was received, are said on the debug console. It takes 18 MiB of RAM, for what is received.
#include "bench.h"
#include "command-line.h"
#include "interrupts.h"
#include "virtio.h"

uint8_t stream[PERIOD + LARGEST_BUFFER];

enum { UNDEFINED_INSTRUCTION = 6 };

static _Alignas(16) uint8_t stack[16384], kernel_stack[16384];
static struct options options;

struct technique {
    const char *name;
    int (*run)(const struct options *);
    bool in_ring3;
};

/// Without hardware virtualization a port access from ring 3 takes three times as long as one from ring 0, where a dozen
/// instructions take as long as the access. So what leaves the guest for each byte is in ring 0, and few instructions are around it.
static const struct technique techniques[] = {
    { "uart-blind", write_blind, false },
    { "uart-polled", write_polled, false },
    { "uart-interrupt", write_by_interrupt, false },
    { "uart-outsb", write_strings, false },
    { "debug", write_debug, false },
    { "hypercall", write_hypercalls, false },
    { "virtio", write_virtio, true },
    { "virtio-read", read_virtio, true },
};

static const struct technique *technique;

void say(const char *text) {
    while (*text) outb(DEBUG_PORT, (uint8_t)*text++);
}

void say_decimal(uint64_t value) {
    char digits[21];
    char *first = digits + sizeof digits;
    *--first = 0;
    do *--first = (char)('0' + value % 10); while (value /= 10);
    say(first);
}

int fail(enum status status, const char *reason) {
    say("console-bench: ");
    say(reason);
    say("\n");
    return status;
}

static void fill_stream(void) {
    uint32_t state = 1;
    for (uint32_t index = 0; index < PERIOD; index++) {
        state = state * 1664525 + 1013904223;
        stream[index] = (uint8_t)(state >> 24);
    }
    for (uint32_t index = PERIOD; index < sizeof stream; index++) stream[index] = stream[index - PERIOD];
}

/// Reads `key=NUMBER`, if the word is there. False if it is not a number from `least` to `most`.
static bool parse_option(const char *key, uint64_t least, uint64_t most, uint64_t *value) {
    const char *text = find_word(options.command_line, key);
    if (!text) return true;
    return parse_number(&text, value) && is_end_of_word(text) && *value >= least && *value <= most;
}

static bool parse_options(void) {
    uint64_t bytes = 0, buffer = 4096, depth = 256, indirect = 0, event_index = 1;
    if (!find_word(options.command_line, "bytes=") || !parse_option("bytes=", 0, 1ull << 40, &bytes)
        || !parse_option("buffer=", 1, LARGEST_BUFFER, &buffer) || !parse_option("depth=", 1, DEEPEST, &depth)
        || !parse_option("indirect=", 0, 1, &indirect) || !parse_option("event-index=", 0, 1, &event_index)) return false;
    options.bytes = bytes;
    options.buffer = (uint32_t)buffer;
    options.depth = (uint32_t)depth;
    options.features = (indirect ? VIRTIO_INDIRECT : 0) | (event_index ? VIRTIO_EVENT_INDEX : 0);
    return true;
}

static const struct technique *find_technique(void) {
    const char *name = find_word(options.command_line, "technique=");
    for (unsigned index = 0; name && index < sizeof techniques / sizeof *techniques; index++) {
        const char *rest = skip_prefix(name, techniques[index].name);
        if (rest && is_end_of_word(rest)) return &techniques[index];
    }
    return NULL;
}

__attribute__((interrupt)) static void on_undefined(struct frame *frame) {
    (void)frame;
    outb(EXIT_PORT, (uint8_t)technique->run(&options));
}

static int in_ring3(const void *unused) {
    (void)unused;
    fill_stream();
    if (!technique->in_ring3) asm volatile("ud2" : : : "memory");
    return technique->run(&options);
}

/// The stream is made in ring 3, where a host without hardware virtualization is fast. An exception is the way back from there.
int guest_main(const struct boot_params *params) {
    options.command_line = command_line(params);
    technique = find_technique();
    if (!technique || !parse_options()) return fail(BAD_COMMAND_LINE, "bad command line");
    set_gate(UNDEFINED_INSTRUCTION, on_undefined);
    load_gates();
    set_kernel_stack(kernel_stack + sizeof kernel_stack);
    enter_ring3(in_ring3, NULL, stack + sizeof stack);
}
