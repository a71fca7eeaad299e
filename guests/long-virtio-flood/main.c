// Offers far more to the virtio-console than anybody reads: 200 buffers of 4,000 MiB each, all of the same 40 MiB of RAM. With
// --cmdline receive they are to be filled with input instead. With --cmdline empty=N each of the console's ports gets 200 chains
// without output, of N buffers each. Then it ends, or with --cmdline spin it does not.
// For tests of a host that must stay in charge. Needs --console virtio, or another virtio-console.
// Output: as much of its memory as is written. Status: 0 (exit port), 1 without the device, 2 if it refuses the driver.
#include "command-line.h"
#include "guest.h"
#include "virtio-console.h"

enum { BUFFERS = 200, PIECES = 100, MOST_PIECES = 65536, PORTS = 32, START = 16 << 20, LENGTH = 40 << 20 };

static struct virtio_device console;
static struct virtq queues[PORTS];
static struct virtq_descriptor pieces[MOST_PIECES];

static void offer(struct virtq *queue, uint32_t piece_count) {
    for (uint16_t id = 0; id < BUFFERS && id < queue->size; id++) virtq_offer_table(queue, id, pieces, piece_count);
    virtq_publish(queue);
}

static void describe(uint32_t count, uint32_t length, uint16_t flags) {
    for (uint32_t piece = 0; piece < count; piece++) {
        uint16_t next = piece + 1 < count ? VIRTQ_NEXT : 0;
        virtq_describe(&pieces[piece], (void *)(uint64_t)START, length, flags | next, (uint16_t)(piece + 1));
    }
}

static bool offer_empty(uint32_t piece_count) {
    uint32_t ports = *(volatile uint32_t *)(console.registers + VIRTIO_CONFIGURATION_SPACE + VIRTIO_CONSOLE_MAX_PORTS);
    if (!(console.features & VIRTIO_CONSOLE_PORTS)) ports = 1;
    if (ports > PORTS) return false;
    for (uint32_t port = 0; port < ports; port++) {
        if (!virtq_set_up(&queues[port], &console, virtio_console_queue(port) + 1, BUFFERS)) return false;
    }
    virtio_start(&console);
    describe(piece_count, 1, VIRTQ_WRITABLE);
    for (uint32_t port = 0; port < ports; port++) offer(&queues[port], piece_count);
    return true;
}

static bool offer_endless(bool receives) {
    uint16_t number = receives ? VIRTIO_CONSOLE_RECEIVE : VIRTIO_CONSOLE_TRANSMIT;
    if (!virtq_set_up(&queues[0], &console, number, BUFFERS)) return false;
    virtio_start(&console);
    describe(PIECES, LENGTH, receives ? VIRTQ_WRITABLE : VIRTQ_READABLE);
    offer(&queues[0], PIECES);
    return true;
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params);
    if (!virtio_find(text, VIRTIO_CONSOLE, &console)) {
        print("no virtio-console: run this with --console virtio\n");
        return 1;
    }
    const char *empty = find_word(text, "empty=");
    uint64_t count = 0;
    if (empty && (!parse_number(&empty, &count) || !count || count > MOST_PIECES)) return 2;
    if (!virtio_negotiate(&console, VIRTIO_INDIRECT | (empty ? VIRTIO_CONSOLE_PORTS : 0))) return 2;
    if (!(empty ? offer_empty((uint32_t)count) : offer_endless(has_word(text, "receive")))) return 2;
    if (has_word(text, "spin")) {
        for (;;) { }
    }
    return 0;
}
