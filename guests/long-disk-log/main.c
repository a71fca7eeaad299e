// What a power cut must not undo: a log on a disk, whose records are flushed before they are told. Needs a virtio-blk device.
// Record n is sector n - 1, and holds n 64 times over, as words of 8 bytes, the lowest byte first. They are written 16 at a time, all
// under way at once.
// Words of the command line; others count for nothing:
//   records=N   how many, a multiple of 16 (as many as the disk has room for, unless given)
//   careless    tells of them without having flushed them: what is told can be lost
// It runs in ring 3, and sleeps by HLT where there are interrupt controllers, and by hypercall where there are none.
// Output, a line each time the disk has 16 more:
//   16
//   32
// Status: 0 (exit port), or 1 after a line that begins with `log: ` and says what is wrong.
#include "command-line.h"
#include "virtio-block.h"

static struct block_device disk;
static uint64_t record_count;
static bool is_careless;
static uint64_t records[BLOCK_REQUESTS][SECTOR_WORDS];
static _Alignas(16) uint8_t stack[8192];

static int fail(const char *reason) {
    print("log: ");
    print(reason);
    print("\n");
    return 1;
}

/// Waits for so many requests that are under way. 0 if each is done.
static int await(uint16_t count) {
    uint32_t written;
    for (; count; count--) {
        int number = block_wait(&disk, &written);
        if (number < 0) return fail("the device has failed");
        if (disk.requests[number].status != BLOCK_DONE) return fail("the device could not do it");
    }
    return 0;
}

static int append(uint64_t told) {
    for (uint16_t number = 0; number < BLOCK_REQUESTS; number++) {
        for (int word = 0; word < SECTOR_WORDS; word++) records[number][word] = told + number + 1;
        block_begin(&disk, number, BLOCK_WRITE, told + number);
        block_add(&disk, number, records[number], SECTOR, VIRTQ_READABLE);
        block_offer(&disk, number);
    }
    if (await(BLOCK_REQUESTS)) return 1;
    if (is_careless) return 0;
    block_begin(&disk, 0, BLOCK_FLUSH, 0);
    block_offer(&disk, 0);
    return await(1);
}

static int run(const void *unused) {
    (void)unused;
    if (!block_set_up(&disk, false) || disk.request_count != BLOCK_REQUESTS) return fail("the device does not take this driver");
    if (!block_has(&disk, BLOCK_CAN_FLUSH)) return fail("the device does not flush");
    if (!record_count) record_count = disk.sectors - disk.sectors % BLOCK_REQUESTS;
    if (record_count > disk.sectors) return fail("the disk does not have as many sectors");
    for (uint64_t told = 0; told < record_count;) {
        if (append(told)) return 1;
        told += BLOCK_REQUESTS;
        print_decimal(told);
        print("\n");
    }
    return 0;
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params), *count = find_word(text, "records=");
    if (count && (!parse_number(&count, &record_count) || !is_end_of_word(count) || record_count % BLOCK_REQUESTS)) {
        return fail("bad command line");
    }
    is_careless = has_word(text, "careless");
    if (!virtio_find(text, VIRTIO_BLOCK, &disk.device)) return fail("there is no virtio-blk device");
    if (!virtio_prepare_to_wait(&disk.device, false)) return 1;
    enter_ring3(run, NULL, stack + sizeof stack);
}
