/* The C that Swift needs to speak to KVM: what the importer cannot see of <linux/kvm.h> (ioctl numbers are function-like
   macros, ioctl(2) is variadic, kvm_run holds unions).
   Every function that calls the system returns its result, or -errno. */
#ifndef CKVM_H
#define CKVM_H

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* ---- ioctl numbers (Linux Documentation/virt/kvm/api.rst, section 4) ---- */

#define CKVM_REQUEST(name) static const unsigned long C##name = name
CKVM_REQUEST(KVM_GET_API_VERSION);
CKVM_REQUEST(KVM_CHECK_EXTENSION);
CKVM_REQUEST(KVM_GET_VCPU_MMAP_SIZE);
CKVM_REQUEST(KVM_GET_SUPPORTED_CPUID);
CKVM_REQUEST(KVM_CREATE_VM);
CKVM_REQUEST(KVM_SET_TSS_ADDR);
CKVM_REQUEST(KVM_SET_IDENTITY_MAP_ADDR);
CKVM_REQUEST(KVM_SET_USER_MEMORY_REGION);
CKVM_REQUEST(KVM_CREATE_VCPU);
CKVM_REQUEST(KVM_GET_REGS);
CKVM_REQUEST(KVM_SET_REGS);
CKVM_REQUEST(KVM_GET_SREGS);
CKVM_REQUEST(KVM_SET_SREGS);
CKVM_REQUEST(KVM_GET_FPU);
CKVM_REQUEST(KVM_SET_FPU);
CKVM_REQUEST(KVM_GET_MSRS);
CKVM_REQUEST(KVM_SET_MSRS);
CKVM_REQUEST(KVM_SET_CPUID2);
CKVM_REQUEST(KVM_TRANSLATE);
CKVM_REQUEST(KVM_CREATE_IRQCHIP);
CKVM_REQUEST(KVM_IOEVENTFD);
CKVM_REQUEST(KVM_IRQFD);
CKVM_REQUEST(KVM_SET_GUEST_DEBUG);
CKVM_REQUEST(KVM_IRQ_LINE);
CKVM_REQUEST(KVM_CREATE_PIT2);
CKVM_REQUEST(KVM_GET_PIT2);
CKVM_REQUEST(KVM_SET_PIT2);
CKVM_REQUEST(KVM_GET_MP_STATE);
CKVM_REQUEST(KVM_GET_VCPU_EVENTS);
CKVM_REQUEST(KVM_SIGNAL_MSI);
#undef CKVM_REQUEST

static inline long ckvm_ioctl(int fd, unsigned long request, unsigned long argument) {
  long result = ioctl(fd, request, argument);
  return result < 0 ? -errno : result;
}

static inline long ckvm_ioctl_pointer(int fd, unsigned long request, void *argument) {
  long result = ioctl(fd, request, argument);
  return result < 0 ? -errno : result;
}

/* The size of the structure that a request passes, as its number encodes it. */
static inline unsigned long ckvm_request_size(unsigned long request) { return _IOC_SIZE(request); }

/* KVM_IRQ_LINE: Swift does not take its structure, which has a union. */
static inline long ckvm_set_irq_line(int vm, uint32_t gsi, uint32_t level) {
  struct kvm_irq_level line = {.irq = gsi, .level = level};
  return ckvm_ioctl_pointer(vm, KVM_IRQ_LINE, &line);
}

/* KVM_SET_IRQCHIP for one of the PICs, whose structure is in a union, too. */
static inline long ckvm_set_pic(int vm, uint32_t number, uint8_t first_vector, uint8_t mask) {
  struct kvm_irqchip chip = {.chip_id = number};
  long result = ckvm_ioctl_pointer(vm, KVM_GET_IRQCHIP, &chip);
  if (result < 0) return result;
  chip.chip.pic.irq_base = first_vector;
  chip.chip.pic.imr = mask;
  return ckvm_ioctl_pointer(vm, KVM_SET_IRQCHIP, &chip);
}

/* KVM_CAP_SPLIT_IRQCHIP: local APICs in the kernel, and an I/O APIC of `pins` pins elsewhere. */
static inline long ckvm_split_interrupt_controllers(int vm, uint32_t pins) {
  struct kvm_enable_cap capability = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {pins}};
  return ckvm_ioctl_pointer(vm, KVM_ENABLE_CAP, &capability);
}

/* KVM_CAP_X86_USER_SPACE_MSR: what would be #GP at once, because the register or its value is unknown, exits first. */
static inline long ckvm_tell_refused_msrs(int vm) {
  struct kvm_enable_cap capability = {
      .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = {KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL}};
  return ckvm_ioctl_pointer(vm, KVM_ENABLE_CAP, &capability);
}

struct ckvm_message_route {
  uint32_t gsi;
  uint32_t data;
  uint64_t address;
};

/* KVM_SET_GSI_ROUTING with messages alone, in place of all routes before; at most 64. Its structure has a union. */
long ckvm_set_message_routes(int vm, const struct ckvm_message_route *routes, uint32_t count);

/* ---- kvm_run: the union's members as plain values (api.rst, section 5) ---- */

struct ckvm_port_exit {
  uint64_t data_offset; /* from the start of the run page, in bytes */
  uint32_t count;
  uint16_t port;
  uint8_t width;
  uint8_t is_write;
};

struct ckvm_mmio_exit {
  uint64_t address;
  uint64_t value; /* little-endian, zero beyond `length` bytes; meaningful for a write */
  uint8_t length;
  uint8_t is_write;
};

struct ckvm_entry_failure {
  uint64_t reason;
  uint32_t cpu;
};

struct ckvm_internal_error {
  uint32_t suberror;
  uint32_t instruction_count; /* 0 to 15 */
  uint64_t instruction_low;   /* bytes 0 to 7, little-endian */
  uint64_t instruction_high;  /* bytes 8 to 14 */
};

struct ckvm_debug_exit {
  uint64_t instruction_address;
  uint32_t exception;
};

struct ckvm_msr_exit {
  uint64_t value; /* meaningful for a write */
  uint32_t index;
};

struct ckvm_port_exit ckvm_port_exit(const struct kvm_run *run);
struct ckvm_mmio_exit ckvm_mmio_exit(const struct kvm_run *run);
void ckvm_answer_mmio_read(struct kvm_run *run, uint64_t value);
struct ckvm_entry_failure ckvm_entry_failure(const struct kvm_run *run);
struct ckvm_internal_error ckvm_internal_error(const struct kvm_run *run);
struct ckvm_debug_exit ckvm_debug_exit(const struct kvm_run *run);
struct ckvm_msr_exit ckvm_msr_exit(const struct kvm_run *run);
void ckvm_refuse_msr(struct kvm_run *run);
uint32_t ckvm_system_event(const struct kvm_run *run);
uint8_t ckvm_ended_interrupt(const struct kvm_run *run);
uint64_t ckvm_unknown_hardware_reason(const struct kvm_run *run);

/* KVM_REGISTER_COALESCED_MMIO and KVM_UNREGISTER_COALESCED_MMIO for ports: Swift does not take their structure, which has a
   union. */
long ckvm_coalesce_ports(int vm, uint16_t port, uint32_t count);
long ckvm_uncoalesce_ports(int vm, uint16_t port, uint32_t count);

struct ckvm_coalesced_write {
  uint64_t address;
  uint64_t value; /* little-endian, zero beyond `length` bytes */
  uint32_t length;
};

/* Takes the oldest write out of the ring of coalesced writes (api.rst, 4.116), which is the page. 0 where none waits. One
   thread at a time. */
int ckvm_take_coalesced(void *page, struct ckvm_coalesced_write *write);

/* ---- KVM_RUN ---- */

/* Runs until the next exit. A kick of this thread, also one that came since the last run, gives -EINTR. */
long ckvm_run(int fd, struct kvm_run *run);

/* Completes the exit that the last run ended with, without entering the guest (Linux api.rst section 5): only then may registers be
   changed. A kick that comes meanwhile ends the next run. */
long ckvm_finish_exit(int fd, struct kvm_run *run);

#endif
