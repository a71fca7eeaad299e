// Requests at the edges of what there is, and beyond, one after the other, for `errors`. Each prints a line, with the status that
// the device gives:
//   read of the last sector: status 0
//   read past the end: status 1                     the sector behind the last one
//   read across the end: status 1                   the last sector and the one behind it
//   read at sector 2^64 - 1: status 1
//   write past the end: status 1
//   write across the end: status 1
//   unknown type: status 2
//   read of nothing: status 0                       no sectors; VIRTIO does not say what comes of that, or of 100 bytes,
//   write of nothing: status 0                      and this guest takes what comes
//   read of 100 bytes: status 1
//   flush: status 0                                 status 2 is right, too, where the device does not have it
//   write with its header in three pieces: status 0
//   write with its header and its data in one piece: status 0
//   read with its data and its status in one piece: status 0
// On a read-only disk each write has status 1, but that of nothing, which may have 0. The last three write and read sector 0.
// `disk: ` and what is wrong comes behind the line of the first answer that is not as it has to be.
#include "blk.h"

enum { ANYTHING = 0x100 };

static uint8_t bytes[2 * SECTOR];
static uint64_t pattern[SECTOR_WORDS];

/// Offers request 0, prints its status, and compares that. False if it is not as it has to be.
static bool tell(const char *what, unsigned expected) {
    block_offer(&disk, 0);
    uint8_t status = do_alone(0, NULL);
    print(what);
    print(": status ");
    print_decimal(status);
    print("\n");
    if (status == BLOCK_UNANSWERED) return fail("the device does not answer"), false;
    if (expected != ANYTHING && status != expected) return fail("that is not the status that VIRTIO asks for"), false;
    return true;
}

/// A request with one piece of data, or with none.
static bool ask(const char *what, uint32_t type, uint64_t sector, uint32_t length, unsigned expected) {
    block_begin(&disk, 0, type, sector);
    if (length) block_add(&disk, 0, bytes, length, type == BLOCK_READ ? VIRTQ_WRITABLE : VIRTQ_READABLE);
    return tell(what, expected);
}

/// A header is one header, in however many pieces: a driver may frame a request as it likes (VIRTIO 1.2, section 2.7.4).
static bool split_header(unsigned expected) {
    uint8_t *header = (uint8_t *)block_begin_bare(&disk, 0, BLOCK_WRITE, 0);
    block_add(&disk, 0, header, 4, VIRTQ_READABLE);
    block_add(&disk, 0, header + 4, 1, VIRTQ_READABLE);
    block_add(&disk, 0, header + 5, 11, VIRTQ_READABLE);
    block_add(&disk, 0, pattern, SECTOR, VIRTQ_READABLE);
    return tell("write with its header in three pieces", expected);
}

static bool join_header(unsigned expected) {
    static struct {
        struct block_header header;
        uint8_t data[SECTOR];
    } request;
    request.header = *block_begin_bare(&disk, 0, BLOCK_WRITE, 0);
    copy_bytes(request.data, pattern, SECTOR);
    block_add(&disk, 0, &request, sizeof request, VIRTQ_READABLE);
    return tell("write with its header and its data in one piece", expected);
}

static bool join_status(void) {
    static volatile uint8_t data[SECTOR + 1];
    fill_bytes((uint8_t *)data, BLOCK_UNANSWERED, sizeof data);
    block_begin(&disk, 0, BLOCK_READ, 0);
    block_add(&disk, 0, data, sizeof data, VIRTQ_WRITABLE);
    block_offer_bare(&disk, 0);
    do_alone(0, NULL);
    print("read with its data and its status in one piece: status ");
    print_decimal(data[SECTOR]);
    print("\n");
    if (data[SECTOR] != BLOCK_DONE) return fail("that is not the status that VIRTIO asks for"), false;
    if (!block_has(&disk, BLOCK_IS_READ_ONLY) && !has_equal_bytes((const uint8_t *)data, pattern, SECTOR)) {
        return fail("sector 0 does not hold what was written"), false;
    }
    return true;
}

/// Sector 0 as a plain request shows it.
static bool verify_first(void) {
    if (read_sector(0, bytes)) return false;
    return has_equal_bytes(bytes, pattern, SECTOR) || (fail("sector 0 does not hold what was written"), false);
}

int look_at_edges(void) {
    bool can_write = !block_has(&disk, BLOCK_IS_READ_ONLY), can_flush = block_has(&disk, BLOCK_CAN_FLUSH);
    unsigned write_status = can_write ? BLOCK_DONE : BLOCK_FAILED;
    uint64_t end = disk.sectors;
    make_sectors(pattern, seed, 0, 1);
    bool is_right = ask("read of the last sector", BLOCK_READ, end - 1, SECTOR, BLOCK_DONE)
        && ask("read past the end", BLOCK_READ, end, SECTOR, BLOCK_FAILED)
        && ask("read across the end", BLOCK_READ, end - 1, 2 * SECTOR, BLOCK_FAILED)
        && ask("read at sector 2^64 - 1", BLOCK_READ, ~0ull, SECTOR, BLOCK_FAILED)
        && ask("write past the end", BLOCK_WRITE, end, SECTOR, BLOCK_FAILED)
        && ask("write across the end", BLOCK_WRITE, end - 1, 2 * SECTOR, BLOCK_FAILED)
        && ask("unknown type", 0x1234, 0, SECTOR, BLOCK_UNSUPPORTED)
        && ask("read of nothing", BLOCK_READ, 0, 0, ANYTHING)
        && ask("write of nothing", BLOCK_WRITE, 0, 0, ANYTHING)
        && ask("read of 100 bytes", BLOCK_READ, 0, 100, ANYTHING)
        && ask("flush", BLOCK_FLUSH, 0, 0, can_flush ? BLOCK_DONE : ANYTHING)
        && split_header(write_status) && (!can_write || verify_first())
        && join_header(write_status) && (!can_write || verify_first())
        && join_status();
    return is_right ? 0 : 1;
}

int try_to_write(void) {
    static uint8_t before[SECTOR], bytes[SECTOR], after[SECTOR];
    if (read_sector(0, before)) return 1;
    for (int i = 0; i < SECTOR; i++) bytes[i] = (uint8_t)~before[i];
    block_begin(&disk, 0, BLOCK_WRITE, 0);
    block_add(&disk, 0, bytes, SECTOR, VIRTQ_READABLE);
    block_offer(&disk, 0);
    uint8_t status = do_alone(0, NULL);
    if (status != BLOCK_FAILED) return fail_with_status(BLOCK_WRITE, 0, status);
    if (read_sector(0, after)) return 1;
    if (!has_equal_bytes(before, after, SECTOR)) return fail("a write failed, and changed the disk");
    print("disk: a write to it gives status 1 and changes nothing\n");
    return 0;
}
