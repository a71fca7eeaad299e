#include "virtio.h"
#include "command-line.h"

enum { MAGIC = 0x74726976 };  // "virt"

/// Reads `SIZE@ADDRESS:IRQ`, Linux's form (Documentation/admin-guide/kernel-parameters.txt); the size has a letter behind it.
static bool parse_device(const char *text, struct virtio_device *device) {
    uint64_t size, address, irq;
    if (!parse_number(&text, &size)) return false;
    if (*text != '@') text++;
    if (*text++ != '@' || !parse_number(&text, &address) || *text++ != ':' || !parse_number(&text, &irq)) return false;
    device->registers = (volatile uint8_t *)address;
    device->irq = (uint32_t)irq;
    return true;
}

bool virtio_find(const char *command_line, uint32_t id, struct virtio_device *device) {
    while ((command_line = find_word(command_line, "virtio_mmio.device="))) {
        if (parse_device(command_line, device) && virtio_read(device, VIRTIO_MAGIC) == MAGIC
            && virtio_read(device, VIRTIO_VERSION) == 2 && virtio_read(device, VIRTIO_DEVICE_ID) == id) return true;
        while (!is_end_of_word(command_line)) command_line++;
    }
    return false;
}

/// Status bits are only added; only a reset takes them back.
static void add_status(const struct virtio_device *device, enum virtio_status status) {
    virtio_write(device, VIRTIO_STATUS, virtio_read(device, VIRTIO_STATUS) | status);
}

bool virtio_negotiate(struct virtio_device *device, uint64_t wanted) {
    virtio_write(device, VIRTIO_STATUS, 0);
    for (int looks = 0; virtio_read(device, VIRTIO_STATUS); looks++) {
        if (looks == 1000) return false;  // a reset that does not end
    }
    add_status(device, VIRTIO_ACKNOWLEDGE);
    add_status(device, VIRTIO_DRIVER);

    virtio_write(device, VIRTIO_DEVICE_FEATURES_SELECT, 1);
    uint64_t offered = (uint64_t)virtio_read(device, VIRTIO_DEVICE_FEATURES) << 32;
    virtio_write(device, VIRTIO_DEVICE_FEATURES_SELECT, 0);
    offered |= virtio_read(device, VIRTIO_DEVICE_FEATURES);
    device->features = offered & (wanted | VIRTIO_VERSION_1);
    virtio_write(device, VIRTIO_DRIVER_FEATURES_SELECT, 0);
    virtio_write(device, VIRTIO_DRIVER_FEATURES, (uint32_t)device->features);
    virtio_write(device, VIRTIO_DRIVER_FEATURES_SELECT, 1);
    virtio_write(device, VIRTIO_DRIVER_FEATURES, (uint32_t)(device->features >> 32));

    add_status(device, VIRTIO_FEATURES_OK);
    if ((device->features & VIRTIO_VERSION_1) && (virtio_read(device, VIRTIO_STATUS) & VIRTIO_FEATURES_OK)) return true;
    add_status(device, VIRTIO_FAILED);
    return false;
}

void virtio_start(const struct virtio_device *device) { add_status(device, VIRTIO_DRIVER_OK); }

static void write_address(const struct virtio_device *device, enum virtio_register reg, const volatile void *address) {
    virtio_write(device, reg, (uint32_t)(uint64_t)address);
    virtio_write(device, reg + 4, (uint32_t)((uint64_t)address >> 32));
}

bool virtq_set_up(struct virtq *queue, const struct virtio_device *device, uint16_t number, uint16_t size) {
    virtio_write(device, VIRTIO_QUEUE_SELECT, number);
    uint32_t largest = virtio_read(device, VIRTIO_QUEUE_SIZE_MAX);
    if (virtio_read(device, VIRTIO_QUEUE_READY) || !largest) {
        add_status(device, VIRTIO_FAILED);
        return false;
    }
    if (largest > size) largest = size;
    queue->size = VIRTQ_LARGEST;
    while (queue->size > largest) queue->size /= 2;
    queue->device = device;
    queue->number = number;
    queue->has_event_index = device->features & VIRTIO_EVENT_INDEX;
    virtq_be_quiet(queue);

    virtio_write(device, VIRTIO_QUEUE_SIZE, queue->size);
    write_address(device, VIRTIO_QUEUE_DESCRIPTORS, queue->descriptors);
    write_address(device, VIRTIO_QUEUE_DRIVER, &queue->available);
    write_address(device, VIRTIO_QUEUE_DEVICE, &queue->used);
    virtq_barrier();
    virtio_write(device, VIRTIO_QUEUE_READY, 1);
    return virtio_read(device, VIRTIO_QUEUE_READY);
}
