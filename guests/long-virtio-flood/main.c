// Offers far more to the virtio-console than anybody reads: 200 buffers of 4,000 MiB each, all of the same 40 MiB of RAM. With
// --cmdline receive they are to be filled with input instead. Then it ends, or with --cmdline spin it does not.
// For tests of a host that must stay in charge. Needs --console virtio, or another virtio-console.
// Output: as much of its memory as is written. Status: 0 (exit port), 1 without the device, 2 if it refuses the driver.
#include "command-line.h"
#include "guest.h"
#include "virtio.h"

enum { BUFFERS = 200, PIECES = 100, START = 16 << 20, LENGTH = 40 << 20 };

static struct virtio_device console;
static struct virtq queue;
static struct virtq_descriptor pieces[PIECES];

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params);
    bool receives = has_word(text, "receive");
    if (!virtio_find(text, VIRTIO_CONSOLE, &console)) {
        print("no virtio-console: run this with --console virtio\n");
        return 1;
    }
    if (!virtio_negotiate(&console, VIRTIO_INDIRECT)) return 2;
    if (!virtq_set_up(&queue, &console, receives ? VIRTIO_CONSOLE_RECEIVE : VIRTIO_CONSOLE_TRANSMIT, BUFFERS)) return 2;
    virtio_start(&console);
    uint16_t flags = receives ? VIRTQ_WRITABLE : VIRTQ_READABLE;
    for (uint16_t piece = 0; piece < PIECES; piece++) {
        uint16_t next = piece + 1 < PIECES ? VIRTQ_NEXT : 0;
        virtq_describe(&pieces[piece], (void *)(uint64_t)START, LENGTH, flags | next, piece + 1);
    }
    for (uint16_t id = 0; id < BUFFERS && id < queue.size; id++) virtq_offer_table(&queue, id, pieces, PIECES);
    virtq_publish(&queue);
    if (has_word(text, "spin")) {
        for (;;) { }
    }
    return 0;
}
