// What the parts of long-virtio-blk share.
#pragma once

#include "virtio-block.h"

enum { BLOCK_MOST_SECTORS = 8 };

extern struct block_device disk;
extern uint64_t seed;

/// Says what is wrong with the disk. 1.
int fail(const char *reason);

/// Says which status a request has that is not to have it. 1.
int fail_with_status(enum block_type type, uint64_t sector, uint8_t status);

/// Has the device carry out request `number`, the only one offered, and says its status; BLOCK_UNANSWERED if the device has failed.
uint8_t do_alone(uint16_t number, uint32_t *written);

/// 0 if it could be read; else that is said.
int read_sector(uint64_t sector, void *bytes);

/// Makes requests at the edges of what there is, and beyond. 0 if each is answered as VIRTIO says.
int look_at_edges(void);

/// Writes to a read-only disk, in vain. 0 if that has status 1 and changes nothing.
int try_to_write(void);
