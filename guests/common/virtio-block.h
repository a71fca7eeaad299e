// A driver of virtio-blk (VIRTIO 1.2, section 5.2): requests of several pieces of memory, several of them under way.
#pragma once

#include "splitmix.h"
#include "virtio-wait.h"

#define BLOCK_HAS_MOST_PIECES (1ull << 2)  // VIRTIO_BLK_F_SEG_MAX
#define BLOCK_IS_READ_ONLY (1ull << 5)     // VIRTIO_BLK_F_RO
#define BLOCK_HAS_SIZE (1ull << 6)         // VIRTIO_BLK_F_BLK_SIZE
#define BLOCK_CAN_FLUSH (1ull << 9)        // VIRTIO_BLK_F_FLUSH

/// Places in the configuration space.
enum { BLOCK_CAPACITY = 0, BLOCK_MOST_PIECES = 12, BLOCK_SIZE = 20 };

enum block_type { BLOCK_READ = 0, BLOCK_WRITE = 1, BLOCK_FLUSH = 4, BLOCK_IDENTIFY = 8 };

/// What the device answers in the last byte of a request, and what is there before.
enum block_status { BLOCK_DONE = 0, BLOCK_FAILED = 1, BLOCK_UNSUPPORTED = 2, BLOCK_UNANSWERED = 0xFF };

enum { SECTOR = 512, SECTOR_WORDS = SECTOR / 8, BLOCK_IDENTITY = 20 };

/// A request has a number below BLOCK_REQUESTS, and so many descriptors that are its own.
enum { BLOCK_REQUESTS = 16, BLOCK_DESCRIPTORS = 8, BLOCK_DATA_PIECES = 4 };

struct block_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

struct block_request {
    struct block_header header;
    struct virtq_descriptor pieces[BLOCK_DESCRIPTORS];
    uint16_t piece_count;
    volatile uint8_t status;
};

struct block_device {
    struct virtio_device device;
    struct virtq queue;
    uint64_t sectors;
    uint32_t most_pieces;    // of the data of a request
    uint16_t request_count;  // how many can be under way
    bool uses_tables;
    struct block_request requests[BLOCK_REQUESTS];
};

static inline bool block_has(const struct block_device *disk, uint64_t feature) { return disk->device.features & feature; }

/// Makes the device ready, with requests as indirect tables if it can do that and the driver wants it. False if it is not as it has
/// to be.
static inline bool block_set_up(struct block_device *disk, bool wants_tables) {
    uint64_t wanted = BLOCK_HAS_MOST_PIECES | BLOCK_IS_READ_ONLY | BLOCK_HAS_SIZE | BLOCK_CAN_FLUSH | VIRTIO_EVENT_INDEX;
    if (!virtio_negotiate(&disk->device, wanted | (wants_tables ? VIRTIO_INDIRECT : 0))) return false;
    disk->uses_tables = block_has(disk, VIRTIO_INDIRECT);
    disk->sectors = virtio_read_long_field(&disk->device, BLOCK_CAPACITY);
    disk->most_pieces = BLOCK_DATA_PIECES;
    if (block_has(disk, BLOCK_HAS_MOST_PIECES)) {
        uint32_t most = virtio_read_field(&disk->device, BLOCK_MOST_PIECES);
        if (most < disk->most_pieces) disk->most_pieces = most;
    }
    uint32_t size = block_has(disk, BLOCK_HAS_SIZE) ? virtio_read_field(&disk->device, BLOCK_SIZE) : SECTOR;
    if (!disk->most_pieces || size < SECTOR || (size & (size - 1))) return false;
    if (!virtq_set_up(&disk->queue, &disk->device, 0, BLOCK_REQUESTS * BLOCK_DESCRIPTORS)) return false;
    disk->request_count = disk->queue.size / BLOCK_DESCRIPTORS;
    if (!disk->request_count) return false;
    virtio_start(&disk->device);
    return true;
}

/// A new piece of request `number`.
static inline void block_add(
    struct block_device *disk, uint16_t number, const volatile void *address, uint32_t length, uint16_t flags) {
    struct block_request *request = &disk->requests[number];
    uint16_t next = ++request->piece_count;
    virtq_describe(&request->pieces[next - 1], address, length, flags | VIRTQ_NEXT, next);
}

/// Begins request `number` with its header alone, which is not among its pieces yet.
static inline struct block_header *block_begin_bare(
    struct block_device *disk, uint16_t number, uint32_t type, uint64_t sector) {
    struct block_request *request = &disk->requests[number];
    request->header = (struct block_header){ type, 0, sector };
    request->piece_count = 0;
    request->status = BLOCK_UNANSWERED;
    return &request->header;
}

static inline void block_begin(struct block_device *disk, uint16_t number, uint32_t type, uint64_t sector) {
    struct block_header *header = block_begin_bare(disk, number, type, sector);
    block_add(disk, number, header, sizeof *header, VIRTQ_READABLE);
}

/// Puts a request into the available ring as it is, the last piece the last one. The device sees it after virtq_publish.
static inline void block_offer_bare(struct block_device *disk, uint16_t number) {
    struct block_request *request = &disk->requests[number];
    uint16_t id = number * BLOCK_DESCRIPTORS;
    request->pieces[request->piece_count - 1].flags &= (uint16_t)~VIRTQ_NEXT;
    if (disk->uses_tables) virtq_offer_table(&disk->queue, id, request->pieces, request->piece_count);
    else virtq_offer_chain(&disk->queue, id, request->pieces, request->piece_count);
}

/// The same with the status behind all others.
static inline void block_offer(struct block_device *disk, uint16_t number) {
    block_add(disk, number, &disk->requests[number].status, 1, VIRTQ_WRITABLE);
    block_offer_bare(disk, number);
}

/// Sleeps until a request is done, and says which, and how many bytes the device says it wrote. -1 if the device has failed.
static inline int block_wait(struct block_device *disk, uint32_t *written) {
    struct virtq_used used;
    virtq_publish(&disk->queue);
    if (!virtq_wait_and_take(&disk->queue, &used)) return -1;
    *written = used.length;
    return (int)(used.id / BLOCK_DESCRIPTORS);
}

/// Makes what a sector holds: words of 8 bytes, the lowest first. Word i of sector s is number 64 s + i of SplitMix64's row.
static inline void make_sectors(uint64_t *words, uint64_t seed, uint64_t sector, uint64_t count) {
    for (uint64_t word = 0; word < count * SECTOR_WORDS; word++) words[word] = splitmix(seed, sector * SECTOR_WORDS + word);
}
