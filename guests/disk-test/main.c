// guests/long-virtio-blk, entered as a kernel by the PVH protocol, so that it runs under QEMU's microvm too.
#include "../long-virtio-blk/main.c"
#include "../long-virtio-blk/edges.c"
