// Echoes what comes over the virtio-console, up to the first Ctrl-D (0x04). Nothing is copied: a buffer that was received into is
// sent, and then received into again. Between two events it sleeps: by HLT where there are interrupt controllers, the PIC or else
// the I/O APIC, and where there are none by hypercall, in ring 3, as nothing needs ring 0 then.
// Needs --console virtio, or another end of the virtio-console that has input. With --cmdline level it uses the I/O APIC in any
// case, and interrupts that last as long as their cause; with "level late" each lasts beyond its first handling, and comes again.
// Output: its input, up to the first Ctrl-D. Status: 0 (exit port), 1 without the device, 2 if it fails.
#include "command-line.h"
#include "guest.h"
#include "hypercall.h"
#include "interrupts.h"
#include "virtio.h"

enum { END = 0x04, BUFFERS = 16, SIZE = 4096 };

static struct virtio_device console;
static struct virtq receive, transmit;
/// A buffer has the same number in both queues, of which it is in one at a time.
static _Alignas(SIZE) uint8_t buffers[BUFFERS][SIZE];
static _Alignas(16) char stack[4096];
static volatile bool must_look_at_status;
static bool has_interrupts, has_ended, is_late;

static void acknowledge(void) {
    if (virtio_acknowledge(&console) & VIRTIO_CONFIGURATION) must_look_at_status = true;
}

__attribute__((interrupt)) static void on_console(struct frame *frame) {
    static volatile uint32_t count;
    if (!is_late || ++count % 2 == 0) acknowledge();
    end_of_irq(frame);
}

/// How many bytes are before the end, `length` if there is none. One instruction: a host that interprets ring 0 pays for each.
static uint32_t find_end(const uint8_t *bytes, uint32_t length) {
    uint64_t rest = length;
    bool is_found;
    asm volatile("testl %%eax, %%eax; repne scasb"  // the test: not equal, should the length be 0
                 : "+D"(bytes), "+c"(rest), "=@cce"(is_found) : "a"(END) : "memory");
    return length - (uint32_t)rest - is_found;
}

static void give_to_receive(uint16_t id) { virtq_offer(&receive, id, buffers[id], SIZE, VIRTQ_WRITABLE); }

/// Moves what the device gave back to the other queue. False if there was nothing.
static bool move_buffers(void) {
    struct virtq_used buffer;
    bool is_moved = false;
    for (; virtq_take(&transmit, &buffer); is_moved = true) {
        if (!has_ended) give_to_receive((uint16_t)buffer.id);
    }
    for (; !has_ended && virtq_take(&receive, &buffer); is_moved = true) {
        uint16_t id = (uint16_t)buffer.id;
        uint32_t length = buffer.length <= SIZE ? buffer.length : SIZE;
        uint32_t wanted = find_end(buffers[id], length);
        has_ended = wanted < length;
        if (wanted) virtq_offer(&transmit, id, buffers[id], wanted, VIRTQ_READABLE);
        else if (!has_ended) give_to_receive(id);
    }
    virtq_publish(&transmit);
    virtq_publish(&receive);
    return is_moved;
}

/// Sent buffers are worth no interrupt as long as there are others to receive into.
static void sleep_until_event(void) {
    uint16_t sent = virtq_under_way(&transmit);
    bool needs_sent = has_ended || !virtq_under_way(&receive);
    if (needs_sent ? virtq_ask(&transmit, sent) : virtq_ask(&receive, 1)) return;
    if (has_interrupts) {
        sleep();
    } else {
        uint64_t answer = ~0ull;  // as long as it takes
        hypercall(HYPERCALL_WAIT, NULL, &answer);
        acknowledge();
    }
    virtq_be_quiet(&transmit);
    virtq_be_quiet(&receive);
}

static bool set_up(void) {
    if (!virtio_negotiate(&console, VIRTIO_EVENT_INDEX)) return false;
    if (!virtq_set_up(&receive, &console, VIRTIO_CONSOLE_RECEIVE, BUFFERS) || receive.size < BUFFERS) return false;
    if (!virtq_set_up(&transmit, &console, VIRTIO_CONSOLE_TRANSMIT, BUFFERS) || transmit.size < BUFFERS) return false;
    virtio_start(&console);
    for (uint16_t id = 0; id < BUFFERS; id++) give_to_receive(id);
    virtq_publish(&receive);
    return true;
}

static int echo(const void *unused) {
    (void)unused;
    if (!set_up()) return 2;
    while (!has_ended || virtq_under_way(&transmit)) {
        if (!move_buffers()) sleep_until_event();
        if (receive.is_broken || transmit.is_broken) return 2;
        if (must_look_at_status) {
            must_look_at_status = false;
            if (virtio_needs_reset(&console)) return 2;
        }
    }
    return 0;
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params);
    if (!virtio_find(text, VIRTIO_CONSOLE, &console)) {
        print("no virtio-console: run this with --console virtio\n");
        return 1;
    }
    is_late = has_word(text, "late");
    has_interrupts = enable_irq(console.irq, on_console, has_word(text, "level"));
    if (has_interrupts) return echo(NULL);
    if (!has_hypercalls()) {
        print("neither interrupt controllers nor hypercalls\n");
        return 1;
    }
    enter_ring3(echo, NULL, stack + sizeof stack);
}
