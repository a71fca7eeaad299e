// What the parts of console-bench share.
#pragma once

#include "guest.h"

enum status {
    GIVEN_AWAY = 0,
    BAD_COMMAND_LINE = 2,
    NO_DEVICE = 3,
    DEVICE_ERROR = 4,
    WRONG_BYTES = 5,
};

enum { PERIOD = 65521, LARGEST_BUFFER = 65536, DEEPEST = 256, TRANSMIT_QUEUE = 16 };

struct options {
    const char *command_line;
    uint64_t bytes;
    uint32_t buffer;
    uint32_t depth;
    uint64_t features;  // of virtio, those wanted
};

/// The bytes of one period, and again: any buffer is one stretch of this.
extern uint8_t stream[PERIOD + LARGEST_BUFFER];

/// A place in what is given away or received.
struct progress {
    uint64_t left;
    uint32_t position;  // in the stream
};

/// The next `longest` bytes, or those that are left.
static inline const uint8_t *next_piece(struct progress *progress, uint32_t longest, uint32_t *length) {
    const uint8_t *piece = stream + progress->position;
    *length = progress->left < longest ? (uint32_t)progress->left : longest;
    progress->left -= *length;
    progress->position = (progress->position + *length) % PERIOD;
    return piece;
}

/// Prints on the debug console.
void say(const char *text);
void say_decimal(uint64_t value);

/// Says why, and is the status.
int fail(enum status status, const char *reason);

/// The techniques.
int write_blind(const struct options *options);
int write_polled(const struct options *options);
int write_strings(const struct options *options);
int write_debug(const struct options *options);
int write_hypercalls(const struct options *options);
int write_by_interrupt(const struct options *options);
int write_virtio(const struct options *options);
int read_virtio(const struct options *options);
