/* Reading kvm_run's union. memcpy where the kernel's field is a byte array. */
#include "CKVM.h"
#include "CLinuxHost.h"
#include <string.h>

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

struct ckvm_msr_exit ckvm_msr_exit(const struct kvm_run *run) {
  return (struct ckvm_msr_exit){.value = run->msr.data, .index = run->msr.index};
}

void ckvm_refuse_msr(struct kvm_run *run) { run->msr.error = 1; }

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

long ckvm_finish_exit(int fd, struct kvm_run *run) {
  run->immediate_exit = 1;
  long result = ckvm_ioctl(fd, KVM_RUN, 0);
  run->immediate_exit = 0;
  return result == -EINTR ? 0 : result;
}

/* A kick that arrives inside KVM_RUN ends it by itself; for one that arrives just before, KVM looks at immediate_exit before it
   enters the guest (Linux api.rst, section 5, immediate_exit), which the kick's handler sets as well. */
long ckvm_run(int fd, struct kvm_run *run) {
  clinux_kick_flag = &run->immediate_exit;
  if (clinux_kicked)
    run->immediate_exit = 1;
  long result = ckvm_ioctl(fd, KVM_RUN, 0);
  clinux_kick_flag = NULL;
  if (result == -EINTR) {
    /* A signal between these lines is one with the kick that is being reported: the caller looks at what was asked of
       it after this returns. */
    clinux_kicked = 0;
    run->immediate_exit = 0;
  }
  return result;
}
