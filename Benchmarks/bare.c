/* The least that starts a machine and prints for it: the same KVM calls that `swiftvmm run` makes, in the same order, for a guest
   that prints one byte and halts, or for the flat real-mode image that is named. Bytes written to ports are collected and written
   out together, as stdio does. What swiftvmm costs beyond this is its own.
   `bare --machines COUNT` makes, runs and ends so many machines one after the other, as library-benchmarks does by the library. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY (64 << 20)
#define LEAVES 128

static int call(int fd, unsigned long request, void *argument) {
  int result = ioctl(fd, request, argument);
  if (result < 0)
    exit(1);
  return result;
}

static void *map(size_t size, int flags, int fd) {
  void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED)
    exit(1);
  return address;
}

static void set_state(int vcpu) {
  struct kvm_sregs special;
  call(vcpu, KVM_GET_SREGS, &special);
  special.cs.base = 0;
  special.cs.selector = 0;
  call(vcpu, KVM_SET_SREGS, &special);
  struct kvm_regs registers = {.rip = 0x7C00, .rsp = 0x7C00, .rflags = 2};
  call(vcpu, KVM_SET_REGS, &registers);
}

static void flush(const char *bytes, size_t count) {
  if (count > 0 && write(1, bytes, count) != (ssize_t)count)
    exit(1);
}

static void load(char *place, const char *path) {
  int image = open(path, O_RDONLY | O_CLOEXEC);
  if (image < 0 || read(image, place, 4096) <= 0)
    exit(1);
}

static void run(int vcpu, struct kvm_run *state) {
  static char output[65536];
  size_t length = 0;
  for (;;) {
    call(vcpu, KVM_RUN, 0);
    if (state->exit_reason == KVM_EXIT_HLT) {
      flush(output, length);
      return;
    }
    if (state->exit_reason != KVM_EXIT_IO)
      exit(1);
    output[length++] = ((char *)state)[state->io.data_offset];
    if (length == sizeof output) {
      flush(output, length);
      length = 0;
    }
  }
}

static void run_machine(const char *image) {
  int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm < 0 || ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
    exit(1);
  int run_size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  struct kvm_cpuid2 *cpuid = calloc(1, sizeof *cpuid + LEAVES * sizeof cpuid->entries[0]);
  cpuid->nent = LEAVES;
  call(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);

  /* mov $'A', %al; out %al, $0xE9; hlt */
  char *memory = map(MEMORY, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  memcpy(memory + 0x7C00, "\xB0\x41\xE6\xE9\xF4", 5);
  if (image)
    load(memory + 0x7C00, image);

  int vm = call(kvm, KVM_CREATE_VM, 0);
  __u64 identity_map = 0xFFFBC000;
  call(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
  call(vm, KVM_SET_TSS_ADDR, (void *)0xFFFBD000);
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY, .userspace_addr = (unsigned long)memory};
  call(vm, KVM_SET_USER_MEMORY_REGION, &region);
  int vcpu = call(vm, KVM_CREATE_VCPU, 0);
  struct kvm_run *state = map(run_size, MAP_SHARED, vcpu);
  call(vcpu, KVM_SET_CPUID2, cpuid);
  set_state(vcpu);
  run(vcpu, state);

  munmap(state, run_size);
  close(vcpu);
  close(vm);
  close(kvm);
  munmap(memory, MEMORY);
  free(cpuid);
}

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "--machines") == 0)
    for (int left = atoi(words[2]); left > 0; left--)
      run_machine(NULL);
  else
    run_machine(count > 1 ? words[1] : NULL);
  return 0;
}
