// What a driver of a virtio-console with several ports says and hears (VIRTIO 1.2, section 5.3).
#pragma once

#include "virtio.h"

#define VIRTIO_CONSOLE_SIZE (1ull << 0)
#define VIRTIO_CONSOLE_PORTS (1ull << 1)
#define VIRTIO_CONSOLE_EMERGENCY (1ull << 2)

enum { VIRTIO_CONSOLE_CONTROL_RECEIVE = 2, VIRTIO_CONSOLE_CONTROL_TRANSMIT = 3 };

/// The receive queue of a port; its transmit queue follows.
static inline uint16_t virtio_console_queue(uint32_t port) { return (uint16_t)(port ? 2 * port + 2 : 0); }

/// Places in the configuration space.
enum { VIRTIO_CONSOLE_COLUMNS = 0, VIRTIO_CONSOLE_ROWS = 2, VIRTIO_CONSOLE_MAX_PORTS = 4, VIRTIO_CONSOLE_EMERGENCY_WRITE = 8 };

enum virtio_console_event {
    VIRTIO_CONSOLE_DEVICE_READY = 0,
    VIRTIO_CONSOLE_PORT_ADD = 1,
    VIRTIO_CONSOLE_PORT_REMOVE = 2,
    VIRTIO_CONSOLE_PORT_READY = 3,
    VIRTIO_CONSOLE_CONSOLE_PORT = 4,
    VIRTIO_CONSOLE_RESIZE = 5,  // followed by the columns and the rows
    VIRTIO_CONSOLE_PORT_OPEN = 6,
    VIRTIO_CONSOLE_PORT_NAME = 7,  // followed by the name, without an end
};

struct virtio_console_message {
    uint32_t port;
    uint16_t event;
    uint16_t value;
};
