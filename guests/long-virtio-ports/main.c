// Drives a virtio-console with up to 32 ports, all at once. What it does with a port stands on the command line, as NAME=WORK, the
// console being called "console":
//   send:N   sends N bytes of console-bench's stream when someone is at the other end
//   push:N   sends them whoever is there
//   flood    sends without end; the guest does not wait for it
//   echo     sends back what comes, up to the first Ctrl-D (0x04)
//   watch:N  waits until someone at the other end has left N times
//   leave    is not opened
// A port without a word is opened and left alone. The guest ends when all is done. With the word "events" it prints what it is told
// as it comes, and with "emergency" it first prints "early" through the configuration space of a device that it has not touched.
// It runs in ring 3 and sleeps by hypercall. Needs a virtio-console, and --virtio-port for other ports than that.
// Output: for each port "port N is NAME: sent A bytes, received B bytes". Status: 0 (exit port), 1 without the device, 2 if it fails.
#include "command-line.h"
#include "hypercall.h"
#include "ports.h"
#include "segments.h"

struct port ports[PORTS];
uint32_t port_count = 1;
struct virtio_device console;
bool tells_events;
static _Alignas(16) char stack[8192];

static bool has_ports(void) { return console.features & VIRTIO_CONSOLE_PORTS; }

static volatile uint8_t *configuration(uint32_t place) {
    return console.registers + VIRTIO_CONFIGURATION_SPACE + place;
}

static void print_early(const char *text) {
    while (*text) *(volatile uint32_t *)configuration(VIRTIO_CONSOLE_EMERGENCY_WRITE) = (uint8_t)*text++;
}

/// Both fields as they were at one time (VIRTIO 1.2, section 2.5.1).
static void tell_size(void) {
    uint32_t before, columns, rows;
    if (!tells_events || !(console.features & VIRTIO_CONSOLE_SIZE)) return;
    do {
        before = virtio_read(&console, VIRTIO_CONFIGURATION_GENERATION);
        columns = *(volatile uint16_t *)configuration(VIRTIO_CONSOLE_COLUMNS);
        rows = *(volatile uint16_t *)configuration(VIRTIO_CONSOLE_ROWS);
    } while (virtio_read(&console, VIRTIO_CONFIGURATION_GENERATION) != before);
    print("size ");
    print_decimal(columns);
    print("x");
    print_decimal(rows);
    print("\n");
}

static bool set_up(const char *text) {
    if (!virtio_negotiate(&console, VIRTIO_EVENT_INDEX | VIRTIO_CONSOLE_SIZE | VIRTIO_CONSOLE_PORTS)) return false;
    if (has_ports()) port_count = *(volatile uint32_t *)configuration(VIRTIO_CONSOLE_MAX_PORTS);
    if (port_count > PORTS || (has_ports() && !control_set_up())) return false;
    for (uint32_t i = 0; i < port_count; i++) {
        if (!port_set_up(&ports[i])) return false;
    }
    virtio_start(&console);
    tell_size();
    if (has_ports()) return control_begin();
    __builtin_memcpy(ports[0].name, "console", 8);
    port_begin(&ports[0], text);
    ports[0].is_open = true;
    return true;
}

static bool is_done(void) {
    for (uint32_t i = 0; i < port_count; i++) {
        if (!ports[i].is_known || !port_is_done(&ports[i])) return false;
    }
    return true;
}

static bool move(const char *text) {
    bool is_moved = has_ports() && control_move(text);
    for (uint32_t i = 0; i < port_count; i++) is_moved |= port_move(&ports[i]);
    return is_moved;
}

/// False if the device has failed.
static bool sleep_until_event(void) {
    bool has_come = has_ports() && control_ask();
    for (uint32_t i = 0; i < port_count; i++) has_come |= port_ask(&ports[i]);
    if (!has_come) {
        uint64_t answer = ~0ull;  // as long as it takes
        if (hypercall(HYPERCALL_WAIT, NULL, &answer) != HYPERCALL_DONE) return false;
        if (virtio_acknowledge(&console) & VIRTIO_CONFIGURATION) {
            if (virtio_needs_reset(&console)) return false;
            tell_size();
        }
    }
    for (uint32_t i = 0; i < port_count; i++) port_be_quiet(&ports[i]);
    return true;
}

static bool is_broken(void) {
    for (uint32_t i = 0; i < port_count; i++) {
        if (ports[i].receive.is_broken || ports[i].transmit.is_broken) return true;
    }
    return has_ports() && control_is_broken();
}

static void tell_result(uint32_t number) {
    print("port ");
    print_decimal(number);
    print(" is ");
    print(ports[number].name);
    print(": sent ");
    print_decimal(ports[number].sent);
    print(" bytes, received ");
    print_decimal(ports[number].received);
    print(" bytes\n");
}

static int run(const void *argument) {
    const char *text = argument;
    make_stream();
    if (!set_up(text)) return 2;
    while (!is_done()) {
        if (!move(text) && !sleep_until_event()) return 2;
        if (is_broken()) return 2;
    }
    for (uint32_t i = 0; i < port_count; i++) tell_result(i);
    return 0;
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params);
    if (!has_hypercalls() || !virtio_find(text, VIRTIO_CONSOLE, &console)) {
        print("no virtio-console: run this with --console virtio\n");
        return 1;
    }
    if (has_word(text, "emergency")) print_early("early\n");
    tells_events = has_word(text, "events");
    enter_ring3(run, text, stack + sizeof stack);
}
