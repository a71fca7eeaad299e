// Through the virtqueues of a virtio-console. Descriptors point at the stream, so that nothing is copied; a doorbell stands for
// all that was put into the ring, and a wake-up for half of what is under way.
#include "bench.h"
#include "hypercall.h"
#include "virtio.h"

enum { SECOND = 1000000000 };

static struct virtio_device console;
static struct virtq queue;
/// A buffer is offered in two pieces where it goes by a table.
static struct virtq_descriptor tables[DEEPEST][2];
static uint8_t received[DEEPEST][LARGEST_BUFFER];

static int set_up(const struct options *options, uint16_t number) {
    uint16_t size = 1;
    while (size < options->depth) size *= 2;
    if (!has_hypercalls()) return fail(NO_DEVICE, "no hypercalls");
    if (!virtio_find(options->command_line, VIRTIO_CONSOLE, &console)) return fail(NO_DEVICE, "no virtio-console");
    if (!virtio_negotiate(&console, options->features)) return fail(DEVICE_ERROR, "the features are refused");
    if (!virtq_set_up(&queue, &console, number, size)) return fail(DEVICE_ERROR, "the queue is refused");
    virtio_start(&console);
    return GIVEN_AWAY;
}

static bool is_indirect(void) { return console.features & VIRTIO_INDIRECT; }

/// Input that nobody takes would end every wait.
static void drop_input(void) {
    uint64_t length = LARGEST_BUFFER;
    hypercall(HYPERCALL_READ, received, &length);
}

/// Sleeps until `count` buffers were given back, for a second at most. False if that cannot be.
static bool wait_for(uint16_t count) {
    if (virtq_ask(&queue, count)) return true;
    uint64_t answer = SECOND;
    if (hypercall(HYPERCALL_WAIT, NULL, &answer) != HYPERCALL_DONE) return false;
    virtq_be_quiet(&queue);
    // What it interrupts for need not be read if it is a buffer that came.
    if (answer & HYPERCALL_HAS_INTERRUPT) virtio_write(&console, VIRTIO_INTERRUPT_ACKNOWLEDGE, VIRTIO_USED_BUFFER);
    else if (answer & HYPERCALL_HAS_INPUT) drop_input();
    if (virtq_given_back(&queue)) return true;
    virtio_acknowledge(&console);
    return !virtio_needs_reset(&console);
}

static void offer(uint16_t id, const uint8_t *bytes, uint32_t length, uint16_t flags) {
    if (!is_indirect()) {
        virtq_offer(&queue, id, bytes, length, flags);
        return;
    }
    uint32_t first = length / 2;
    virtq_describe(&tables[id][0], bytes, first, flags | VIRTQ_NEXT, 1);
    virtq_describe(&tables[id][1], bytes + first, length - first, flags, 0);
    virtq_offer_table(&queue, id, tables[id], 2);
}

static void offer_next(const struct options *options, struct progress *progress, uint16_t id) {
    uint32_t length;
    const uint8_t *bytes = next_piece(progress, options->buffer, &length);
    offer(id, bytes, length, VIRTQ_READABLE);
}

int write_virtio(const struct options *options) {
    int status = set_up(options, VIRTIO_CONSOLE_TRANSMIT);
    if (status) return status;
    struct progress progress = { options->bytes, 0 };
    for (uint16_t id = 0; id < options->depth && id < queue.size && progress.left; id++) offer_next(options, &progress, id);
    virtq_publish(&queue);
    while (virtq_under_way(&queue)) {
        struct virtq_used buffer;
        bool has_taken = false;
        for (; virtq_take(&queue, &buffer); has_taken = true) {
            if (buffer.length) return fail(DEVICE_ERROR, "a buffer came back with a length");
            if (progress.left) offer_next(options, &progress, (uint16_t)buffer.id);
        }
        if (queue.is_broken) return fail(DEVICE_ERROR, "a buffer came back that was not under way");
        virtq_publish(&queue);
        if (has_taken) continue;
        uint16_t under_way = virtq_under_way(&queue);
        // At the end only the last one counts.
        if (!wait_for(progress.left ? (under_way + 1) / 2 : under_way)) {
            return fail(DEVICE_ERROR, "the device needs a reset, or a hypercall failed");
        }
    }
    return GIVEN_AWAY;
}

static uint64_t count_wrong(const uint8_t *bytes, const uint8_t *expected, uint32_t length) {
    uint64_t wrong = 0;
    uint32_t index = 0;
    for (; index + 8 <= length; index += 8) {
        uint64_t difference;
        __builtin_memcpy(&difference, bytes + index, 8);
        uint64_t other;
        __builtin_memcpy(&other, expected + index, 8);
        for (difference ^= other; difference; difference >>= 8) wrong += (difference & 0xFF) != 0;
    }
    for (; index < length; index++) wrong += bytes[index] != expected[index];
    return wrong;
}

static void offer_room(const struct options *options, uint16_t id) {
    offer(id, received[id], options->buffer, VIRTQ_WRITABLE);
}

static int say_received(uint64_t bytes, uint64_t wrong) {
    say("received ");
    say_decimal(bytes);
    say(" bytes, ");
    say_decimal(wrong);
    say(" wrong\n");
    return wrong ? WRONG_BYTES : GIVEN_AWAY;
}

int read_virtio(const struct options *options) {
    int status = set_up(options, VIRTIO_CONSOLE_RECEIVE);
    if (status) return status;
    struct progress progress = { options->bytes, 0 };
    uint64_t wrong = 0;
    for (uint16_t id = 0; id < options->depth && id < queue.size; id++) offer_room(options, id);
    while (progress.left) {
        virtq_publish(&queue);
        struct virtq_used buffer;
        bool has_taken = false;
        for (; progress.left && virtq_take(&queue, &buffer); has_taken = true) {
            if (!buffer.length || buffer.length > options->buffer) {
                return fail(DEVICE_ERROR, "a buffer came back with a wrong length");
            }
            uint32_t length;
            const uint8_t *expected = next_piece(&progress, buffer.length, &length);
            wrong += count_wrong(received[buffer.id], expected, length);
            offer_room(options, (uint16_t)buffer.id);
        }
        if (queue.is_broken) return fail(DEVICE_ERROR, "a buffer came back that was not under way");
        if (!has_taken && !wait_for(1)) return fail(DEVICE_ERROR, "the device needs a reset, or a hypercall failed");
    }
    return say_received(options->bytes, wrong);
}
