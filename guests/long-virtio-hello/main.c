// The smallest driver of a virtio-console: offers one buffer, and waits by hypercall until the device gives it back.
// Needs --console virtio, or another end of the virtio-console.
// Output: "Hello by virtio!\n". Status: 0 (exit port), 1 without the device, or if it fails.
#include "command-line.h"
#include "guest.h"
#include "hypercall.h"
#include "virtio.h"

static const char greeting[] = "Hello by virtio!\n";
static struct virtq transmit;

/// Sleeps until the device has interrupted, then has it stop that.
static bool wait_for(const struct virtio_device *device) {
    uint64_t answer = ~0ull;  // as long as it takes
    if (hypercall(HYPERCALL_WAIT, NULL, &answer) != HYPERCALL_DONE) return false;
    return !(virtio_acknowledge(device) & VIRTIO_CONFIGURATION) || !virtio_needs_reset(device);
}

int guest_main(const struct boot_params *params) {
    struct virtio_device console;
    if (!has_hypercalls() || !virtio_find(command_line(params), VIRTIO_CONSOLE, &console)) {
        print("no virtio-console: run this with --console virtio\n");
        return 1;
    }
    if (!virtio_negotiate(&console, 0)) return 1;
    if (!virtq_set_up(&transmit, &console, VIRTIO_CONSOLE_TRANSMIT, 1)) return 1;
    virtio_start(&console);

    virtq_offer(&transmit, 0, greeting, sizeof greeting - 1, VIRTQ_READABLE);
    virtq_publish(&transmit);
    struct virtq_used buffer;
    while (!virtq_take(&transmit, &buffer)) {
        if (transmit.is_broken || (!virtq_ask(&transmit, 1) && !wait_for(&console))) return 1;
    }
    return 0;
}
