// What the parts of long-virtio-ports share.
#pragma once

#include "guest.h"
#include "virtio-console.h"

enum { PORTS = 32, BUFFERS = 16, SIZE = 4096, LONGEST_NAME = 64 };

enum work {
    NOTHING,  // opened, and done
    SEND,     // `left` bytes, once someone is at the other end
    PUSH,     // the same, whoever is there
    FLOOD,    // bytes without end; the guest does not wait for them
    ECHO,     // what comes, up to the first Ctrl-D
    WATCH,    // until someone at the other end has left `left` times
    LEAVE,    // not opened
};

struct port {
    struct virtq receive, transmit;
    /// An echo's buffer has the same number in both queues, of which it is in one at a time.
    uint8_t buffers[BUFFERS][SIZE];
    char name[LONGEST_NAME + 1];
    enum work work;
    uint64_t left, sent, received;
    uint32_t position;  // in the stream
    bool is_known, is_console, is_open, has_ended;
};

extern struct port ports[PORTS];
extern uint32_t port_count;
extern struct virtio_device console;
extern bool tells_events;

void make_stream(void);

/// The port's queues are made ready, before the device is started.
bool port_set_up(struct port *port);
/// The port is known with its name: it gets its work from the command line.
void port_begin(struct port *port, const char *text);
/// Moves what can be moved. False if there was nothing.
bool port_move(struct port *port);
bool port_is_done(const struct port *port);
/// Asks for an interrupt for whatever it waits for. True if that has come already.
bool port_ask(struct port *port);
void port_be_quiet(struct port *port);

/// Makes the control queues ready.
bool control_set_up(void);
/// Says that the driver is ready; the device is started.
bool control_begin(void);
/// Handles what the device has told. False if there was nothing.
bool control_move(const char *text);
bool control_ask(void);
bool control_is_broken(void);
