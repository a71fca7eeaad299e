// A driver of virtio devices: the MMIO transport, version 2, and split virtqueues (VIRTIO 1.2, sections 2.7 and 4.2).
// There is no allocator: a queue is a static `struct virtq`. Its user chooses a number for each buffer, from 0 below the queue's
// size, which is also that of its descriptor; several pieces of memory become one buffer by an indirect table, or by the
// descriptors that follow, whose numbers the user then leaves free.
// x86 keeps stores in order, and loads: only where a load must not pass an earlier store a fence is needed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum virtio_register {
    VIRTIO_MAGIC = 0x00,
    VIRTIO_VERSION = 0x04,
    VIRTIO_DEVICE_ID = 0x08,
    VIRTIO_DEVICE_FEATURES = 0x10,
    VIRTIO_DEVICE_FEATURES_SELECT = 0x14,
    VIRTIO_DRIVER_FEATURES = 0x20,
    VIRTIO_DRIVER_FEATURES_SELECT = 0x24,
    VIRTIO_QUEUE_SELECT = 0x30,
    VIRTIO_QUEUE_SIZE_MAX = 0x34,
    VIRTIO_QUEUE_SIZE = 0x38,
    VIRTIO_QUEUE_READY = 0x44,
    VIRTIO_QUEUE_NOTIFY = 0x50,
    VIRTIO_INTERRUPT_STATUS = 0x60,
    VIRTIO_INTERRUPT_ACKNOWLEDGE = 0x64,
    VIRTIO_STATUS = 0x70,
    VIRTIO_QUEUE_DESCRIPTORS = 0x80,  // of an address, the lower half first
    VIRTIO_QUEUE_DRIVER = 0x90,
    VIRTIO_QUEUE_DEVICE = 0xA0,
    VIRTIO_CONFIGURATION_GENERATION = 0xFC,
    VIRTIO_CONFIGURATION_SPACE = 0x100,
};

/// Kinds of devices.
enum { VIRTIO_BLOCK = 2, VIRTIO_CONSOLE = 3, VIRTIO_ENTROPY = 4 };

enum { VIRTIO_CONSOLE_RECEIVE = 0, VIRTIO_CONSOLE_TRANSMIT = 1 };

enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

/// Bits of InterruptStatus.
enum { VIRTIO_USED_BUFFER = 1, VIRTIO_CONFIGURATION = 2 };

#define VIRTIO_INDIRECT (1ull << 28)
#define VIRTIO_EVENT_INDEX (1ull << 29)
#define VIRTIO_VERSION_1 (1ull << 32)

struct virtio_device {
    volatile uint8_t *registers;
    uint32_t irq;
    uint64_t features;  // those agreed upon
};

static inline uint32_t virtio_read(const struct virtio_device *device, enum virtio_register reg) {
    return *(volatile uint32_t *)(device->registers + reg);
}

static inline void virtio_write(const struct virtio_device *device, enum virtio_register reg, uint32_t value) {
    *(volatile uint32_t *)(device->registers + reg) = value;
}

/// A field of 4 bytes of the configuration space.
static inline uint32_t virtio_read_field(const struct virtio_device *device, uint32_t place) {
    return *(volatile uint32_t *)(device->registers + VIRTIO_CONFIGURATION_SPACE + place);
}

/// A field of 8 bytes, both halves as they were at one time (VIRTIO 1.2, section 2.5.1).
static inline uint64_t virtio_read_long_field(const struct virtio_device *device, uint32_t place) {
    uint32_t before, low, high;
    do {
        before = virtio_read(device, VIRTIO_CONFIGURATION_GENERATION);
        low = virtio_read_field(device, place);
        high = virtio_read_field(device, place + 4);
    } while (virtio_read(device, VIRTIO_CONFIGURATION_GENERATION) != before);
    return (uint64_t)high << 32 | low;
}

/// Looks for a device of this kind among the words `virtio_mmio.device=SIZE@ADDRESS:IRQ` of the command line.
bool virtio_find(const char *command_line, uint32_t id, struct virtio_device *device);

/// Resets the device and agrees with it upon VERSION_1 and those of `wanted` that it has. False if it refuses.
bool virtio_negotiate(struct virtio_device *device, uint64_t wanted);

/// After the queues are set up.
void virtio_start(const struct virtio_device *device);

static inline bool virtio_needs_reset(const struct virtio_device *device) {
    return virtio_read(device, VIRTIO_STATUS) & VIRTIO_NEEDS_RESET;
}

/// What the device interrupts for, which it then no longer does. Only then look at the queues: nothing is lost that way.
static inline uint32_t virtio_acknowledge(const struct virtio_device *device) {
    uint32_t causes = virtio_read(device, VIRTIO_INTERRUPT_STATUS);
    if (causes) virtio_write(device, VIRTIO_INTERRUPT_ACKNOWLEDGE, causes);
    return causes;
}

enum { VIRTQ_LARGEST = 256 };

/// Descriptor flags.
enum { VIRTQ_READABLE = 0, VIRTQ_NEXT = 1, VIRTQ_WRITABLE = 2, VIRTQ_INDIRECT = 4 };

struct virtq_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct virtq_used {
    uint32_t id;
    uint32_t length;  // bytes that the device wrote
};

/// Behind the entries of each ring, of which there are as many as the queue's size, an event index follows.
struct virtq {
    _Alignas(16) struct virtq_descriptor descriptors[VIRTQ_LARGEST];
    struct {
        volatile uint16_t flags;  // 1: do not interrupt
        volatile uint16_t index;
        uint16_t ring[VIRTQ_LARGEST + 1];
    } available;
    _Alignas(4) struct {
        volatile uint16_t flags;  // 1: do not notify
        volatile uint16_t index;
        struct virtq_used ring[VIRTQ_LARGEST + 1];
    } used;

    // The rest is the driver's own.
    const struct virtio_device *device;
    uint16_t number;
    uint16_t size;
    bool has_event_index;
    bool is_broken;         // the device gave back what it did not have
    uint16_t offered;       // runs on: how many buffers were put into the available ring
    uint16_t taken;         // runs on: how many were taken from the used ring
    bool is_offered[VIRTQ_LARGEST];
};

_Static_assert(sizeof(struct virtq_descriptor) == 16, "");
_Static_assert(offsetof(struct virtq, available) == 16 * VIRTQ_LARGEST, "");

/// Makes a queue ready with the largest power of two that is no more than `size` and what the device can do; it asks for no
/// interrupts yet. False if the device does not have this queue.
bool virtq_set_up(struct virtq *queue, const struct virtio_device *device, uint16_t number, uint16_t size);

/// The compiler keeps the order, and so does x86, but for a load behind a store to another place.
static inline void virtq_barrier(void) { asm volatile("" : : : "memory"); }

/// Earlier stores are seen before later loads are made. (MFENCE does the same, but a host that interprets ring 0 may lack it.)
static inline void virtq_fence(void) { asm volatile("lock; addl $0, (%%rsp)" : : : "memory", "cc"); }

static inline uint16_t virtq_under_way(const struct virtq *queue) { return (uint16_t)(queue->offered - queue->taken); }

/// Fills in a descriptor, of the queue or of an indirect table.
static inline void virtq_describe(
    struct virtq_descriptor *descriptor, const volatile void *address, uint32_t length, uint16_t flags, uint16_t next) {
    *descriptor = (struct virtq_descriptor){ (uint64_t)address, length, flags, next };
}

/// Puts buffer `id` into the available ring. Its descriptor is filled in. The device sees it after virtq_publish.
static inline void virtq_put(struct virtq *queue, uint16_t id) {
    queue->is_offered[id] = true;
    queue->available.ring[queue->offered++ & (queue->size - 1)] = id;
}

/// Offers a piece of memory as buffer `id`.
static inline void virtq_offer(
    struct virtq *queue, uint16_t id, const volatile void *address, uint32_t length, uint16_t flags) {
    virtq_describe(&queue->descriptors[id], address, length, flags, 0);
    virtq_put(queue, id);
}

/// Offers, as buffer `id`, the pieces of memory that the `count` descriptors of `table` name. All but the last have VIRTQ_NEXT.
/// Needs VIRTIO_INDIRECT.
static inline void virtq_offer_table(
    struct virtq *queue, uint16_t id, const struct virtq_descriptor *table, uint32_t count) {
    virtq_offer(queue, id, table, count * (uint32_t)sizeof *table, VIRTQ_INDIRECT);
}

/// Offers the same pieces as buffer `id` by descriptors of the queue, those from `id` to `id` + `count` - 1.
static inline void virtq_offer_chain(
    struct virtq *queue, uint16_t id, const struct virtq_descriptor *pieces, uint16_t count) {
    for (uint16_t piece = 0; piece < count; piece++) {
        queue->descriptors[id + piece] = pieces[piece];
        queue->descriptors[id + piece].next = (uint16_t)(id + piece + 1);
    }
    virtq_put(queue, id);
}

/// The event indices: the used ring's is the device's wish for a notification, the available ring's the driver's for an interrupt.
typedef volatile uint16_t __attribute__((may_alias)) virtq_event;

static inline virtq_event *virtq_notify_event(struct virtq *queue) {
    return (virtq_event *)&queue->used.ring[queue->size];
}

static inline virtq_event *virtq_interrupt_event(struct virtq *queue) {
    return (virtq_event *)&queue->available.ring[queue->size];
}

/// Whether a ring's index, on its way from `before` to `after`, passed `event` (VIRTIO 1.2, section 2.7.10).
static inline bool virtq_has_passed(uint16_t event, uint16_t before, uint16_t after) {
    return (uint16_t)(after - event - 1) < (uint16_t)(after - before);
}

/// Shows the device all that was put into the ring, and rings the doorbell if the device wants that.
static inline void virtq_publish(struct virtq *queue) {
    uint16_t before = queue->available.index;
    if (before == queue->offered) return;
    virtq_barrier();  // descriptors and ring entries before the index
    queue->available.index = queue->offered;
    virtq_fence();    // the index before the look whether the device sleeps
    bool is_wanted = queue->has_event_index
        ? virtq_has_passed(*virtq_notify_event(queue), before, queue->offered)
        : !(queue->used.flags & 1);
    if (is_wanted) virtio_write(queue->device, VIRTIO_QUEUE_NOTIFY, queue->number);
}

/// How many buffers the device has given back that were not taken yet.
static inline uint16_t virtq_given_back(const struct virtq *queue) { return (uint16_t)(queue->used.index - queue->taken); }

/// Takes a buffer that the device has given back. False if there is none, or the queue is broken.
static inline bool virtq_take(struct virtq *queue, struct virtq_used *buffer) {
    if (!virtq_given_back(queue) || queue->is_broken) return false;
    virtq_barrier();  // the index before the entry, and the buffer
    *buffer = queue->used.ring[queue->taken & (queue->size - 1)];
    if (buffer->id >= queue->size || !queue->is_offered[buffer->id]) {
        queue->is_broken = true;
        return false;
    }
    queue->is_offered[buffer->id] = false;
    queue->taken++;
    return true;
}

/// Asks for an interrupt when `count` buffers were given back, or with each where there is no event index.
/// True if so many already were: then do not sleep, as the interrupt may not come.
static inline bool virtq_ask(struct virtq *queue, uint16_t count) {
    if (queue->has_event_index) {
        *virtq_interrupt_event(queue) = (uint16_t)(queue->taken + count - 1);
    } else {
        queue->available.flags = 0;
        count = 1;
    }
    virtq_fence();  // the wish before the look
    return virtq_given_back(queue) >= count;
}

/// Asks for no interrupts. An event index that has been passed asks for none.
static inline void virtq_be_quiet(struct virtq *queue) {
    if (queue->has_event_index) *virtq_interrupt_event(queue) = (uint16_t)(queue->taken - 1);
    else queue->available.flags = 1;
}
