/* Reading kvm_run's union. memcpy where the kernel's field is a byte array. */
#define _GNU_SOURCE
#include "CKVM.h"
#include <cpuid.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct ckvm_port_exit ckvm_port_exit(const struct kvm_run *run) {
  return (struct ckvm_port_exit){
      .data_offset = run->io.data_offset,
      .count = run->io.count,
      .port = run->io.port,
      .width = run->io.size,
      .is_write = run->io.direction == KVM_EXIT_IO_OUT,
  };
}

struct ckvm_mmio_exit ckvm_mmio_exit(const struct kvm_run *run) {
  struct ckvm_mmio_exit exit = {
      .address = run->mmio.phys_addr,
      .length = run->mmio.len > 8 ? 8 : (uint8_t)run->mmio.len,
      .is_write = run->mmio.is_write,
  };
  if (exit.is_write)
    memcpy(&exit.value, run->mmio.data, exit.length);
  return exit;
}

void ckvm_answer_mmio_read(struct kvm_run *run, uint64_t value) { memcpy(run->mmio.data, &value, sizeof value); }

struct ckvm_entry_failure ckvm_entry_failure(const struct kvm_run *run) {
  return (struct ckvm_entry_failure){
      .reason = run->fail_entry.hardware_entry_failure_reason,
      .cpu = run->fail_entry.cpu,
  };
}

struct ckvm_internal_error ckvm_internal_error(const struct kvm_run *run) {
  struct ckvm_internal_error error = {.suberror = run->internal.suberror};
  /* The bytes are there only where the host's KVM says so (api.rst, KVM_INTERNAL_ERROR_EMULATION). */
  if (error.suberror == KVM_INTERNAL_ERROR_EMULATION && run->emulation_failure.ndata >= 3 &&
      (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)) {
    uint8_t bytes[16] = {0};
    uint32_t count = run->emulation_failure.insn_size;
    error.instruction_count = count > 15 ? 15 : count;
    memcpy(bytes, run->emulation_failure.insn_bytes, error.instruction_count);
    memcpy(&error.instruction_low, bytes, 8);
    memcpy(&error.instruction_high, bytes + 8, 8);
  }
  return error;
}

struct ckvm_debug_exit ckvm_debug_exit(const struct kvm_run *run) {
  return (struct ckvm_debug_exit){
      .instruction_address = run->debug.arch.pc,
      .exception = run->debug.arch.exception,
  };
}

uint32_t ckvm_system_event(const struct kvm_run *run) { return run->system_event.type; }

uint8_t ckvm_ended_interrupt(const struct kvm_run *run) { return run->eoi.vector; }

long ckvm_set_message_routes(int vm, const struct ckvm_message_route *routes, uint32_t count) {
  enum { LIMIT = 64 };
  _Alignas(struct kvm_irq_routing) char bytes[sizeof(struct kvm_irq_routing) + LIMIT * sizeof(struct kvm_irq_routing_entry)] = {0};
  struct kvm_irq_routing *table = (void *)bytes;
  if (count > LIMIT)
    return -EINVAL;
  table->nr = count;
  for (uint32_t index = 0; index < count; index++) {
    struct kvm_irq_routing_entry *entry = &table->entries[index];
    entry->gsi = routes[index].gsi;
    entry->type = KVM_IRQ_ROUTING_MSI;
    entry->u.msi.address_lo = (uint32_t)routes[index].address;
    entry->u.msi.address_hi = (uint32_t)(routes[index].address >> 32);
    entry->u.msi.data = routes[index].data;
  }
  return ckvm_ioctl_pointer(vm, KVM_SET_GSI_ROUTING, table);
}

uint64_t ckvm_unknown_hardware_reason(const struct kvm_run *run) { return run->hw.hardware_exit_reason; }

long ckvm_event_create(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

long ckvm_read_now(int fd, const struct iovec *parts, int count) {
  struct stat file;
  /* What is on a disk and not in memory yet would give EAGAIN. */
  int waits = fstat(fd, &file) == 0 && (S_ISREG(file.st_mode) || S_ISBLK(file.st_mode));
  long result = waits ? -1 : preadv2(fd, parts, count, -1, RWF_NOWAIT);
  if (waits || (result < 0 && errno == EOPNOTSUPP))
    result = readv(fd, parts, count);
  return result < 0 ? -errno : result;
}

static long change_zone(int vm, unsigned long request, uint16_t port, uint32_t count) {
  struct kvm_coalesced_mmio_zone zone = {.addr = port, .size = count, .pio = 1};
  return ckvm_ioctl_pointer(vm, request, &zone);
}

long ckvm_coalesce_ports(int vm, uint16_t port, uint32_t count) {
  return change_zone(vm, KVM_REGISTER_COALESCED_MMIO, port, count);
}

long ckvm_uncoalesce_ports(int vm, uint16_t port, uint32_t count) {
  return change_zone(vm, KVM_UNREGISTER_COALESCED_MMIO, port, count);
}

int ckvm_take_coalesced(void *page, struct ckvm_coalesced_write *write) {
  struct kvm_coalesced_mmio_ring *ring = page;
  uint32_t size = (4096 - sizeof *ring) / sizeof(struct kvm_coalesced_mmio);
  uint32_t first = ring->first;
  /* The kernel writes `last`, after the entry before it. */
  if (first >= size || first == __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE))
    return 0;
  const struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[first];
  uint32_t length = entry->len > 8 ? 8 : entry->len;
  *write = (struct ckvm_coalesced_write){.address = entry->phys_addr, .length = length};
  memcpy(&write->value, entry->data, length);
  __atomic_store_n(&ring->first, (first + 1) % size, __ATOMIC_RELEASE);
  return 1;
}

int ckvm_is_nested(void) {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 31 & 1);
}
