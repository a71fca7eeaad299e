// The smallest driver of a virtio entropy device (VIRTIO 1.2, section 5.4): fetches 65,536 bytes, one buffer after the other, of 1,
// 7, 64 and 4,096 bytes and of four pieces, and looks whether they can be random. The device may fill less of a buffer than there
// is, but not nothing. Between two buffers it sleeps: by HLT where there are interrupt controllers, the PIC or else the I/O APIC, and
// where there are none by hypercall. With --cmdline level it uses the I/O APIC in any case, and interrupts that last as long as
// their cause. It runs in ring 3. Needs a virtio entropy device.
// Output: "virtio-rng: 65536 bytes, every byte value seen\n". Status: 0 (exit port), or 1 after a line that says what is wrong.
// It finds fault with truly random bytes less than once in 10^17 runs.
#include "command-line.h"
#include "virtio-wait.h"

enum { WANTED = 65536, MOST_PIECES = 4, ROOM = 4096, GAP = 16, UNTOUCHED = 0xA5 };

/// Half of the bits are ones, give or take 11 standard deviations, each the root of a quarter of their number.
enum { HALF_OF_BITS = WANTED * 8 / 2, TOLERANCE = 11 * 362 };

static const uint32_t sizes[][MOST_PIECES] = { { 1 }, { 7 }, { 64 }, { 4096 }, { 5, 100, 1, 2000 } };

static struct virtio_device device;
static struct virtq queue;
static _Alignas(16) uint8_t room[ROOM + MOST_PIECES * GAP], stack[4096];
static uint32_t seen[256], byte_count;
static uint64_t one_count, last_bytes;

static int fail(const char *reason) {
    print("virtio-rng: ");
    print(reason);
    print("\n");
    return 1;
}

/// Counts what came, as far as it is wanted.
static void tally(const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count && byte_count < WANTED; i++) {
        seen[bytes[i]]++;
        byte_count++;
        for (uint8_t rest = bytes[i]; rest; rest &= rest - 1) one_count++;
    }
}

/// Has one buffer filled, and counts what is in it. What is wrong, or NULL.
static const char *fetch(const uint32_t lengths[MOST_PIECES]) {
    struct virtq_descriptor pieces[MOST_PIECES];
    struct virtq_used used;
    uint32_t at = 0, total = 0;
    uint16_t count = 0;
    // A gap follows each piece, for the device not to write there.
    fill_bytes(room, UNTOUCHED, sizeof room);
    for (; count < MOST_PIECES && lengths[count]; count++) {
        bool is_last = count == MOST_PIECES - 1 || !lengths[count + 1];
        virtq_describe(&pieces[count], room + at, lengths[count], VIRTQ_WRITABLE | (is_last ? 0 : VIRTQ_NEXT), 0);
        at += lengths[count] + GAP;
        total += lengths[count];
    }
    virtq_offer_chain(&queue, 0, pieces, count);
    virtq_publish(&queue);
    if (!virtq_wait_and_take(&queue, &used)) return "the device has failed";
    if (used.length < 1) return "the device gave a buffer back empty";
    if (used.length > total) return "the device says that it wrote more than there was room for";

    uint32_t rest = used.length;
    for (uint16_t piece = 0; piece < count; piece++) {
        const uint8_t *bytes = (const uint8_t *)pieces[piece].address, *gap = bytes + pieces[piece].length;
        uint32_t length = rest < pieces[piece].length ? rest : pieces[piece].length;
        if (!piece && length >= 8) {
            uint64_t first = *(const uint64_t *)bytes;
            if (first == last_bytes) return "the same bytes came twice";
            last_bytes = first;
        }
        tally(bytes, length);
        rest -= length;
        for (int i = 0; i < GAP; i++) {
            if (gap[i] != UNTOUCHED) return "the device wrote behind a buffer";
        }
    }
    return NULL;
}

static int run(const void *unused) {
    (void)unused;
    if (!virtio_negotiate(&device, VIRTIO_EVENT_INDEX) || !virtq_set_up(&queue, &device, 0, MOST_PIECES)
        || queue.size < MOST_PIECES) return fail("the device does not take this driver");
    virtio_start(&device);
    for (unsigned turn = 0; byte_count < WANTED; turn++) {
        const char *reason = fetch(sizes[turn % (sizeof sizes / sizeof *sizes)]);
        if (reason) return fail(reason);
    }
    for (int value = 0; value < 256; value++) {
        if (!seen[value]) return fail("65536 bytes came, and not every byte value");
    }
    if (one_count < HALF_OF_BITS - TOLERANCE || one_count > HALF_OF_BITS + TOLERANCE) {
        return fail("ones and zeros are out of balance");
    }
    print("virtio-rng: 65536 bytes, every byte value seen\n");
    return 0;
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params);
    if (!virtio_find(text, VIRTIO_ENTROPY, &device)) return fail("there is no virtio entropy device");
    if (!virtio_prepare_to_wait(&device, has_word(text, "level"))) return 1;
    enter_ring3(run, NULL, stack + sizeof stack);
}
