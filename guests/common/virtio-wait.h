// Sleeping until a virtio device interrupts: by HLT where there are interrupt controllers, else by hypercall; in ring 0 or 3.
// What is static here and in interrupts.h belongs to one file: the one that prepares to wait is to be the one that waits.
#pragma once

#include "hypercall.h"
#include "interrupts.h"
#include "virtio.h"

enum { VIRTIO_WAITED_FOR = 2, UNDEFINED_INSTRUCTION = 6 };

/// The devices that are waited for.
static const struct virtio_device *virtio_waited_for[VIRTIO_WAITED_FOR];
static bool virtio_wants_hypercalls;

static inline void virtio_acknowledge_all(void) {
    for (int i = 0; i < VIRTIO_WAITED_FOR && virtio_waited_for[i]; i++) virtio_acknowledge(virtio_waited_for[i]);
}

__attribute__((interrupt)) static inline void on_virtio(struct frame *frame) {
    virtio_acknowledge_all();
    end_of_irq(frame);
}

/// Ring 3 may not HLT: it asks for that by an instruction that does not exist, UD2, as the exception is handled in ring 0. The
/// compiler may take the frame for a copy of its own: volatile.
__attribute__((interrupt)) static inline void on_undefined_instruction(struct frame *frame) {
    volatile uint64_t *rip = &frame->rip;
    *rip += 2;
    sleep();
}

static inline void virtio_add_waited_for(const struct virtio_device *device) {
    int i = 0;
    while (virtio_waited_for[i]) i++;
    virtio_waited_for[i] = device;
}

/// To be called in ring 0 for each device before it is started. `by_level`: by the I/O APIC in any case, and for as long as it has
/// a cause. False, and says so, if there is no way to sleep.
static inline bool virtio_prepare_to_wait(const struct virtio_device *device, bool by_level) {
    static _Alignas(16) uint8_t kernel_stack[4096];
    virtio_add_waited_for(device);
    set_gate(UNDEFINED_INSTRUCTION, on_undefined_instruction);
    set_kernel_stack(kernel_stack + sizeof kernel_stack);
    if (enable_irq(device->irq, on_virtio, by_level)) return true;
    virtio_wants_hypercalls = true;
    if (has_hypercalls()) return true;
    print("neither interrupt controllers nor hypercalls\n");
    return false;
}

/// Sleeps by hypercall for so long, or until a device interrupts, or earlier.
static inline void virtio_wait_by_hypercall(uint64_t nanoseconds) {
    static uint8_t unwanted[256];
    uint64_t answer = nanoseconds, room = sizeof unwanted;
    hypercall(HYPERCALL_WAIT, NULL, &answer);
    // Input, or its end, would keep it from sleeping until it was read.
    if (answer & HYPERCALL_HAS_INPUT) hypercall(HYPERCALL_READ, unwanted, &room);
    if (answer & HYPERCALL_HAS_INTERRUPT) virtio_acknowledge_all();
}

/// Sleeps until a device has interrupted, and perhaps not as long.
static inline void virtio_sleep(void) {
    uint64_t selector;
    asm volatile("movq %%cs, %0" : "=r"(selector));
    if (virtio_wants_hypercalls) virtio_wait_by_hypercall(~0ull);
    else if (selector & 3) asm volatile("ud2" : : : "memory");
    else sleep();
}

/// Takes a buffer that the device gives back, and sleeps until there is one. False if there will be none: the device has failed.
static inline bool virtq_wait_and_take(struct virtq *queue, struct virtq_used *buffer) {
    while (!virtq_take(queue, buffer)) {
        if (queue->is_broken || !virtq_under_way(queue)) return false;
        if (virtq_ask(queue, 1)) continue;
        virtio_sleep();
        if (virtio_needs_reset(queue->device)) return false;
    }
    virtq_be_quiet(queue);
    return true;
}
