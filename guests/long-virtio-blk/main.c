// A driver of virtio-blk (VIRTIO 1.2, section 5.2). It writes a pattern over the disk, has it flushed, reads it back and verifies
// it, by requests of 1 to 8 sectors in up to 4 odd pieces of memory, up to 16 of them under way. Needs a virtio-blk device.
// The pattern: the disk is the row of SplitMix64 that begins with the seed, each number as 8 bytes, the lowest first. So word i (of
// 64) of sector s is number n = 64 s + i, which is, all mod 2^64:
//   z = seed + (n + 1) * 0x9E3779B97F4A7C15
//   z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9
//   z = (z ^ z >> 27) * 0x94D049BB133111EB
//   z ^ z >> 31
// Words of the command line; others count for nothing:
//   sectors=N   how many, from the first on; all there are, but 2,048 at most, unless given
//   seed=N      below 2^60; 1 unless given
//   verify      does not write, but only reads and verifies: that the disk was written by an earlier run
//   read-only   the disk is to be read-only: tries to write to it, in vain
//   errors      instead makes requests at the edges and beyond, and prints what the device answers (edges.c); writes sector 0
//   indirect    requests are indirect tables, if the device can do that
//   level       uses the I/O APIC in any case, and interrupts that last as long as their cause
// It runs in ring 3, and sleeps by HLT where there are interrupt controllers, and by hypercall where there are none.
// Output, ID being what the device calls itself:
//   disk: 2048 sectors, "ID"                                            with `, read-only` at its end, where it is
//   disk: 2048 sectors written, flushed, read back and verified         without `flushed, ` where the device cannot flush
//   disk: 2048 sectors read and verified                                instead, with `verify`
//   disk: a write to it gives status 1 and changes nothing              instead of writing, with `read-only`
// Status: 0 (exit port), or 1 after a line that begins with `disk: ` and says what is wrong.
#include "blk.h"
#include "command-line.h"

enum { GAP = 16, UNTOUCHED = 0xA5, DEFAULT_SECTORS = 2048 };

struct block_device disk;
uint64_t seed = 1;
static uint64_t sector_count;
static bool only_verifies, is_to_be_read_only, looks_at_edges, wants_tables;
static _Alignas(16) uint8_t stack[8192];

/// The memory of a request: its pieces with gaps between them, for the device not to write there.
static uint8_t rooms[BLOCK_REQUESTS][BLOCK_MOST_SECTORS * SECTOR + BLOCK_DATA_PIECES * GAP];
/// What a request has as a whole, and is to have.
static uint64_t block[BLOCK_MOST_SECTORS * SECTOR_WORDS], expected[BLOCK_MOST_SECTORS * SECTOR_WORDS];

int fail(const char *reason) {
    print("disk: ");
    print(reason);
    print("\n");
    return 1;
}

int fail_with_status(enum block_type type, uint64_t sector, uint8_t status) {
    print(type == BLOCK_WRITE ? "disk: a write" : type == BLOCK_READ ? "disk: a read" : "disk: another request");
    print(" at sector ");
    print_decimal(sector);
    print(" gives status ");
    print_decimal(status);
    print("\n");
    return 1;
}

static void begin_transfer(uint16_t number, enum block_type type, uint64_t sector, uint32_t sectors, uint64_t turn) {
    uint8_t *room = rooms[number];
    uint32_t left = sectors * SECTOR, at = 0, done = 0;
    // Every number of sectors comes with every number of pieces.
    uint32_t pieces = 1 + (uint32_t)((turn + turn / BLOCK_MOST_SECTORS) % disk.most_pieces);
    if (type == BLOCK_WRITE) make_sectors(block, seed, sector, sectors);
    fill_bytes(room, UNTOUCHED, sizeof rooms[number]);
    block_begin(&disk, number, type, sector);
    for (uint32_t piece = 0; piece < pieces; piece++) {
        uint32_t length = piece + 1 < pieces ? sectors * SECTOR / pieces - (uint32_t)(turn % 7) : left;
        if (type == BLOCK_WRITE) copy_bytes(room + at, (uint8_t *)block + done, length);
        block_add(&disk, number, room + at, length, type == BLOCK_WRITE ? VIRTQ_READABLE : VIRTQ_WRITABLE);
        at += length + GAP;
        done += length;
        left -= length;
    }
    block_offer(&disk, number);
}

/// Verifies what a read has brought.
static int verify(const struct block_request *request, uint64_t sector) {
    uint32_t done = 0;
    // The first piece is the header, the last one the status.
    for (uint16_t piece = 1; piece + 1 < request->piece_count; piece++) {
        const uint8_t *bytes = (const uint8_t *)request->pieces[piece].address;
        uint32_t length = request->pieces[piece].length;
        copy_bytes((uint8_t *)block + done, bytes, length);
        done += length;
        for (int i = 0; i < GAP; i++) {
            if (bytes[length + i] != UNTOUCHED) return fail("the device wrote behind a piece of memory");
        }
    }
    make_sectors(expected, seed, sector, done / SECTOR);
    for (uint32_t word = 0; word < done / 8; word++) {
        if (block[word] == expected[word]) continue;
        print("disk: word ");
        print_decimal(word % SECTOR_WORDS);
        print(" of sector ");
        print_decimal(sector + word / SECTOR_WORDS);
        print(" is ");
        print_hex(block[word], 16);
        print(", not ");
        print_hex(expected[word], 16);
        print("\n");
        return 1;
    }
    return 0;
}

static int end_transfer(const struct block_request *request, uint32_t written) {
    uint64_t sector = request->header.sector;
    enum block_type type = request->header.type;
    uint32_t length = 1;  // the status
    if (request->status != BLOCK_DONE) return fail_with_status(type, sector, request->status);
    for (uint16_t piece = 1; type == BLOCK_READ && piece + 1 < request->piece_count; piece++) length += request->pieces[piece].length;
    if (written != length) return fail("the device says that it wrote another number of bytes than it was to");
    return type == BLOCK_READ ? verify(request, sector) : 0;
}

/// Reads or writes all sectors, with as many requests under way as there can be.
static int transfer_all(enum block_type type) {
    bool is_under_way[BLOCK_REQUESTS] = { false };
    uint64_t next = 0, turn = 0;
    uint16_t under_way = 0;
    while (next < sector_count || under_way) {
        for (uint16_t number = 0; number < disk.request_count && next < sector_count; number++) {
            if (is_under_way[number]) continue;
            uint64_t count = 1 + turn % BLOCK_MOST_SECTORS;
            if (count > sector_count - next) count = sector_count - next;
            begin_transfer(number, type, next, (uint32_t)count, turn++);
            is_under_way[number] = true;
            under_way++;
            next += count;
        }
        uint32_t written;
        int number = block_wait(&disk, &written);
        if (number < 0) return fail("the device has failed");
        is_under_way[number] = false;
        under_way--;
        if (end_transfer(&disk.requests[number], written)) return 1;
    }
    return 0;
}

uint8_t do_alone(uint16_t number, uint32_t *written) {
    uint32_t ignored;
    return block_wait(&disk, written ? written : &ignored) == number ? disk.requests[number].status : BLOCK_UNANSWERED;
}

static int tell_disk(void) {
    static char identity[BLOCK_IDENTITY + 1];
    uint32_t written;
    block_begin(&disk, 0, BLOCK_IDENTIFY, 0);
    block_add(&disk, 0, identity, BLOCK_IDENTITY, VIRTQ_WRITABLE);
    block_offer(&disk, 0);
    uint8_t status = do_alone(0, &written);
    if (status != BLOCK_DONE) return fail_with_status(BLOCK_IDENTIFY, 0, status);
    if (written != BLOCK_IDENTITY + 1) return fail("the device says that its name has another length than 20");
    print("disk: ");
    print_decimal(disk.sectors);
    print(" sectors, \"");
    print(identity);
    print(block_has(&disk, BLOCK_IS_READ_ONLY) ? "\", read-only\n" : "\"\n");
    return 0;
}

static void tell_result(const char *what) {
    print("disk: ");
    print_decimal(sector_count);
    print(what);
}

static int flush(void) {
    block_begin(&disk, 0, BLOCK_FLUSH, 0);
    block_offer(&disk, 0);
    uint8_t status = do_alone(0, NULL);
    return status == BLOCK_DONE ? 0 : fail_with_status(BLOCK_FLUSH, 0, status);
}

int read_sector(uint64_t sector, void *bytes) {
    block_begin(&disk, 0, BLOCK_READ, sector);
    block_add(&disk, 0, bytes, SECTOR, VIRTQ_WRITABLE);
    block_offer(&disk, 0);
    uint8_t status = do_alone(0, NULL);
    return status == BLOCK_DONE ? 0 : fail_with_status(BLOCK_READ, sector, status);
}

static int run(const void *unused) {
    (void)unused;
    if (!block_set_up(&disk, wants_tables)) return fail("the device does not take this driver");
    if (tell_disk()) return 1;
    if (!sector_count) sector_count = disk.sectors < DEFAULT_SECTORS ? disk.sectors : DEFAULT_SECTORS;
    if (!disk.sectors || sector_count > disk.sectors) return fail("it does not have as many sectors");
    if (looks_at_edges) return look_at_edges();
    bool is_read_only = block_has(&disk, BLOCK_IS_READ_ONLY);
    if (is_to_be_read_only && !is_read_only) return fail("it is not read-only");
    if (only_verifies) {
        if (transfer_all(BLOCK_READ)) return 1;
        tell_result(" sectors read and verified\n");
    }
    if (is_to_be_read_only) return try_to_write();
    if (only_verifies) return 0;
    if (is_read_only) return fail("it is read-only");
    bool can_flush = block_has(&disk, BLOCK_CAN_FLUSH);
    if (transfer_all(BLOCK_WRITE) || (can_flush && flush()) || transfer_all(BLOCK_READ)) return 1;
    tell_result(can_flush ? " sectors written, flushed, read back and verified\n" : " sectors written, read back and verified\n");
    return 0;
}

/// Reads `key=NUMBER`, if the word is there. False if it is not a number from `least` on.
static bool parse_option(const char *line, const char *key, uint64_t least, uint64_t *value) {
    const char *text = find_word(line, key);
    return !text || (parse_number(&text, value) && is_end_of_word(text) && *value >= least);
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params);
    if (!parse_option(text, "sectors=", 1, &sector_count) || !parse_option(text, "seed=", 0, &seed)) return fail("bad command line");
    only_verifies = has_word(text, "verify");
    is_to_be_read_only = has_word(text, "read-only");
    looks_at_edges = has_word(text, "errors");
    wants_tables = has_word(text, "indirect");
    if (!virtio_find(text, VIRTIO_BLOCK, &disk.device)) return fail("there is no virtio-blk device");
    if (!virtio_prepare_to_wait(&disk.device, has_word(text, "level"))) return 1;
    enter_ring3(run, NULL, stack + sizeof stack);
}
