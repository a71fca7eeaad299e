// The four kinds of work, and what they need.
#include "mix.h"
#include "command-line.h"
#include "virtio-block.h"

enum { APIC_VECTOR = 0x38, PIT_IRQ = 0 };

/// Registers of the local APIC (Intel SDM vol. 3A, "Local APIC Register Address Map").
enum { APIC_LVT_TIMER = 0x320, APIC_INITIAL_COUNT = 0x380, APIC_DIVIDE = 0x3E0 };

enum { BLOCKS = 4, BLOCK_LINES = 64, LINE_ROOM = 40, PLACES = 16, PLACE_SECTORS = 4, FLUSH_EVERY = 16 };

static bool is_there[KINDS] = { [UART] = true };
static struct virtio_device console;
static struct virtq transmit;
static char blocks[BLOCKS][BLOCK_LINES * LINE_ROOM];
static struct block_device disk;
static uint32_t places;
static uint64_t expected[PLACE_SECTORS * SECTOR_WORDS], found[PLACE_SECTORS * SECTOR_WORDS];
/// Whether the local APIC's timer ends HLT, or else the PIT.
static bool uses_apic_timer;
static volatile bool has_ticked[CPUS];

/// Eight hexadecimal digits, the first one in the lowest byte, in a few instructions: each of 4 bits comes to a byte of its own.
static uint64_t hexadecimal(uint32_t value) {
    uint64_t digits = __builtin_bswap32(value);
    digits = (digits | digits << 16) & 0x0000FFFF0000FFFF;
    digits = (digits | digits << 8) & 0x00FF00FF00FF00FF;
    digits = (digits >> 4 | digits << 8) & 0x0F0F0F0F0F0F0F0F;
    uint64_t letters = (digits + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return digits + 0x3030303030303030 + letters * ('a' - '0' - 10);
}

static void put_digits(char *at, uint32_t value) {
    uint64_t digits = hexadecimal(value);
    __builtin_memcpy(at, &digits, sizeof digits);
}

/// The place behind it.
static char *make_line(char *at, const char *name, uint64_t seed, uint32_t number) {
    uint64_t content = splitmix(seed, number);
    while (*name) *at++ = *name++;
    put_digits(at, number);
    at[8] = ' ';
    put_digits(at + 9, (uint32_t)(content >> 32));
    put_digits(at + 17, (uint32_t)content);
    at[25] = '\n';
    return at + 26;
}

static const char *print_line(uint32_t round) {
    char line[LINE_ROOM], *end = make_line(line, "uart ", 0, round);
    for (const char *byte = line; byte < end; byte++) print_byte(*byte);
    return NULL;
}

/// Sleeps until the virtio-console has given a block back.
static bool take_block(void) {
    struct virtq_used used;
    return virtq_wait_and_take(&transmit, &used);
}

static const char *send_block(uint32_t round) {
    uint16_t id = round % BLOCKS;
    while (transmit.is_offered[id]) {
        if (!take_block()) return "the virtio-console has failed";
    }
    char *end = blocks[id];
    for (uint32_t line = 0; line < BLOCK_LINES; line++) end = make_line(end, "virtio ", 1, round * BLOCK_LINES + line);
    virtq_offer(&transmit, id, blocks[id], (uint32_t)(end - blocks[id]), VIRTQ_READABLE);
    virtq_publish(&transmit);
    while (round + 1 == rounds && virtq_under_way(&transmit)) {
        if (!take_block()) return "the virtio-console has failed";
    }
    return NULL;
}

/// Makes what a round writes.
static void expect(uint32_t round) { make_sectors(expected, round, round % places * PLACE_SECTORS, PLACE_SECTORS); }

static bool do_request(enum block_type type, uint32_t round) {
    uint32_t ignored;
    block_begin(&disk, 0, type, type == BLOCK_FLUSH ? 0 : round % places * PLACE_SECTORS);
    if (type == BLOCK_WRITE) block_add(&disk, 0, expected, sizeof expected, VIRTQ_READABLE);
    if (type == BLOCK_READ) block_add(&disk, 0, found, sizeof found, VIRTQ_WRITABLE);
    block_offer(&disk, 0);
    return block_wait(&disk, &ignored) == 0 && disk.requests[0].status == BLOCK_DONE;
}

/// Verifies that there is what a round has written, and is expected.
static const char *verify(uint32_t round) {
    fill_bytes(found, 0, sizeof found);
    if (!do_request(BLOCK_READ, round)) return "a read of the disk failed";
    return has_equal_bytes(expected, found, sizeof found) ? NULL : "the disk does not hold what was written";
}

static const char *use_disk(uint32_t round) {
    expect(round);
    if (!do_request(BLOCK_WRITE, round)) return "a write to the disk failed";
    bool must_flush = block_has(&disk, BLOCK_CAN_FLUSH) && round % FLUSH_EVERY == 0;
    if (must_flush && !do_request(BLOCK_FLUSH, round)) return "a flush of the disk failed";
    const char *wrong = verify(round);
    for (uint32_t age = 1; round + 1 == rounds && age < places && age <= round && !wrong; age++) {
        expect(round - age);
        wrong = verify(round - age);
    }
    return wrong;
}

static uint32_t timer_number(void) { return uses_apic_timer ? own_number() % CPUS : 0; }

__attribute__((interrupt)) static void on_timer(struct frame *frame) {
    has_ticked[timer_number()] = true;
    end_of_irq(frame);
}

static const char *sleep_a_while(uint32_t round) {
    uint32_t number;
    (void)round;
    if (virtio_wants_hypercalls) {
        virtio_wait_by_hypercall(1000000);
        return NULL;
    }
    number = timer_number();
    has_ticked[number] = false;
    if (uses_apic_timer) {
        *apic(APIC_DIVIDE) = 0xB;             // count at the full rate
        *apic(APIC_LVT_TIMER) = APIC_VECTOR;  // once
        *apic(APIC_INITIAL_COUNT) = 1000000;  // 1 ms on KVM, whose timer counts nanoseconds
    } else {
        // Channel 0, both bytes, mode 0: once, after 1,193 ticks of 1,193,182 Hz (Intel 8254 data sheet).
        outb(0x43, 0x30);
        outb(0x40, 1193 & 0xFF);
        outb(0x40, 1193 >> 8);
    }
    while (!has_ticked[number]) sleep();
    return NULL;
}

static void set_up_apic_timer(void) {
    load_segments();
    set_gate(APIC_VECTOR, on_timer);
    load_gates();
    set_up_apic();
}

/// Before the devices are started.
static const char *set_up_interrupts(bool by_level, bool together) {
    bool has_pic = has_pics();
    uses_apic_timer = by_level || together || !has_pic;
    if (uses_apic_timer && has_io_apic()) set_up_apic_timer();
    else if (uses_apic_timer || !enable_irq(PIT_IRQ, on_timer, false)) virtio_wants_hypercalls = true;
    if (together && virtio_wants_hypercalls) return "no interrupt controllers: run this with --cpus 4";
    is_there[SLEEP] = !virtio_wants_hypercalls || has_hypercalls();

    struct virtio_device *devices[KINDS] = { [VIRTIO] = &console, [DISK] = &disk.device };
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        if (!is_there[kind] || !devices[kind]) continue;
        if (!virtio_prepare_to_wait(devices[kind], by_level || together)) return "there is no way to wait for a device";
        uint32_t irq = devices[kind]->irq;
        if (together) enable_pin(irq, (uint8_t)(IRQ_VECTORS + irq), by_level ? IO_APIC_LEVEL : 0, kind);
    }
    return NULL;
}

static bool set_up_console(void) {
    if (!virtio_negotiate(&console, VIRTIO_EVENT_INDEX)) return false;
    if (!virtq_set_up(&transmit, &console, VIRTIO_CONSOLE_TRANSMIT, BLOCKS) || transmit.size < BLOCKS) return false;
    virtio_start(&console);
    return true;
}

const char *set_up(const char *text, bool together) {
    is_there[VIRTIO] = virtio_find(text, VIRTIO_CONSOLE, &console);
    is_there[DISK] = virtio_find(text, VIRTIO_BLOCK, &disk.device);
    const char *wrong = set_up_interrupts(has_word(text, "level"), together);
    if (wrong) return wrong;
    if (is_there[VIRTIO] && !set_up_console()) return "the virtio-console does not take this driver";
    if (!is_there[DISK]) return NULL;
    if (!block_set_up(&disk, false)) return "the virtio-blk device does not take this driver";
    if (block_has(&disk, BLOCK_IS_READ_ONLY)) return "the disk is read-only";
    places = disk.sectors / PLACE_SECTORS < PLACES ? (uint32_t)disk.sectors / PLACE_SECTORS : PLACES;
    return places ? NULL : "the disk has less than four sectors";
}

bool has_kind(int kind) { return is_there[kind]; }

const char *do_work(int kind, uint32_t round) {
    static const char *(*const work[KINDS])(uint32_t) = {
        [UART] = print_line, [VIRTIO] = send_block, [DISK] = use_disk, [SLEEP] = sleep_a_while
    };
    return work[kind](round);
}

uint32_t set_up_cpu(void) {
    load_gates();
    set_up_apic();
    return own_number();
}
