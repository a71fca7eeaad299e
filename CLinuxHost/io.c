#define _GNU_SOURCE
#include "CLinuxHost.h"
#include <cpuid.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

long clinux_event_create(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

long clinux_read_now(int fd, const struct iovec *parts, int count) {
  struct stat file;
  /* What is on a disk and not in memory yet would give EAGAIN. */
  int waits = fstat(fd, &file) == 0 && (S_ISREG(file.st_mode) || S_ISBLK(file.st_mode));
  long result = waits ? -1 : preadv2(fd, parts, count, -1, RWF_NOWAIT);
  if (waits || (result < 0 && errno == EOPNOTSUPP))
    result = readv(fd, parts, count);
  return result < 0 ? -errno : result;
}

int clinux_is_nested(void) {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 31 & 1);
}
