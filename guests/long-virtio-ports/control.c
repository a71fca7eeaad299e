// The control queues: what the device tells of its ports, and what it is told.
#include "ports.h"

enum { MESSAGES = 16 };

static struct virtq receive, transmit;
static struct {
    struct virtio_console_message message;
    uint8_t rest[LONGEST_NAME];
} told[MESSAGES];
static struct virtio_console_message said[MESSAGES];

static void give_to_receive(uint16_t id) { virtq_offer(&receive, id, &told[id], sizeof told[id], VIRTQ_WRITABLE); }

bool control_set_up(void) {
    return virtq_set_up(&receive, &console, VIRTIO_CONSOLE_CONTROL_RECEIVE, MESSAGES) && receive.size == MESSAGES
        && virtq_set_up(&transmit, &console, VIRTIO_CONSOLE_CONTROL_TRANSMIT, MESSAGES) && transmit.size == MESSAGES;
}

/// The device takes a message at once, so that it is not worth an interrupt.
static void say(uint32_t port, enum virtio_console_event event, uint16_t value) {
    static uint16_t next;
    struct virtq_used buffer;
    uint16_t id = next++ % MESSAGES;
    while (transmit.is_offered[id] && !transmit.is_broken) virtq_take(&transmit, &buffer);
    said[id] = (struct virtio_console_message){ port, event, value };
    virtq_offer(&transmit, id, &said[id], sizeof said[id], VIRTQ_READABLE);
    virtq_publish(&transmit);
}

bool control_begin(void) {
    for (uint16_t id = 0; id < MESSAGES; id++) give_to_receive(id);
    virtq_publish(&receive);
    say(~0u, VIRTIO_CONSOLE_DEVICE_READY, 1);
    return !transmit.is_broken;
}

static void tell(uint32_t port, const char *text) {
    if (!tells_events) return;
    print("port ");
    print_decimal(port);
    print(text);
}

static void begin(uint32_t number, const char *text) {
    struct port *port = &ports[number];
    tell(number, " is ");
    if (tells_events) {
        print(port->name);
        print("\n");
    }
    port_begin(port, text);
    if (port->work != LEAVE) say(number, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void handle_open(uint32_t number, bool is_open) {
    struct port *port = &ports[number];
    tell(number, is_open ? " open\n" : " closed\n");
    if (port->work == WATCH && port->is_open && !is_open && port->left) port->left--;
    port->is_open = is_open;
}

static void handle_resize(uint32_t number, const uint8_t *rest) {
    if (!tells_events) return;
    tell(number, " has ");
    print_decimal(rest[0] | (uint32_t)rest[1] << 8);
    print("x");
    print_decimal(rest[2] | (uint32_t)rest[3] << 8);
    print("\n");
}

static void handle(uint16_t id, uint32_t length, const char *text) {
    struct virtio_console_message message = told[id].message;
    uint32_t more = length <= sizeof told[id] ? length - (uint32_t)sizeof message : 0;
    if (length < sizeof message || message.port >= port_count) return;
    struct port *port = &ports[message.port];
    switch (message.event) {
        case VIRTIO_CONSOLE_PORT_ADD: say(message.port, VIRTIO_CONSOLE_PORT_READY, 1); break;
        case VIRTIO_CONSOLE_CONSOLE_PORT:
            __builtin_memcpy(port->name, "console", 8);
            port->is_console = true;
            begin(message.port, text);
            break;
        case VIRTIO_CONSOLE_PORT_NAME:
            if (more > LONGEST_NAME) more = LONGEST_NAME;
            for (uint32_t i = 0; i < more; i++) port->name[i] = (char)told[id].rest[i];
            port->name[more] = 0;
            begin(message.port, text);
            break;
        case VIRTIO_CONSOLE_RESIZE: if (more >= 4) handle_resize(message.port, told[id].rest); break;
        case VIRTIO_CONSOLE_PORT_OPEN: handle_open(message.port, message.value); break;
    }
}

bool control_move(const char *text) {
    struct virtq_used buffer;
    bool is_moved = false;
    for (; virtq_take(&receive, &buffer); is_moved = true) {
        handle((uint16_t)buffer.id, buffer.length, text);
        give_to_receive((uint16_t)buffer.id);
    }
    virtq_publish(&receive);
    return is_moved;
}

bool control_ask(void) { return virtq_ask(&receive, 1); }

bool control_is_broken(void) { return receive.is_broken || transmit.is_broken; }
