#define _GNU_SOURCE
#include "CLinuxHost.h"
#include <cpuid.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
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

static struct msghdr message_of(const struct iovec *parts, int count) {
  return (struct msghdr){.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
}

static int is_ready(int fd, short events) {
  struct pollfd request = {.fd = fd, .events = events};
  return poll(&request, 1, 0) > 0;
}

/* A pipe that has room takes so many bytes without blocking (pipe(7)). */
static long write_carefully(int fd, const struct iovec *parts, int count) {
  if (!is_ready(fd, POLLOUT))
    return -EAGAIN;
  for (int i = 0; i < count; i++)
    if (parts[i].iov_len > 0) {
      ssize_t result = write(fd, parts[i].iov_base, parts[i].iov_len < PIPE_BUF ? parts[i].iov_len : PIPE_BUF);
      return result < 0 ? -errno : result;
    }
  return 0;
}

long clinux_write_stream(int fd, int stream, const struct iovec *parts, int count) {
  if (stream == CLINUX_CAREFUL)
    return write_carefully(fd, parts, count);
  struct msghdr message = message_of(parts, count);
  ssize_t result =
      stream == CLINUX_SOCKET ? sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) : writev(fd, parts, count);
  return result < 0 ? -errno : result;
}

long clinux_read_stream(int fd, int stream, const struct iovec *parts, int count) {
  if (stream == CLINUX_CAREFUL)
    return is_ready(fd, POLLIN) ? clinux_read_now(fd, parts, count) : -EAGAIN;
  struct msghdr message = message_of(parts, count);
  ssize_t result = stream == CLINUX_SOCKET ? recvmsg(fd, &message, MSG_DONTWAIT) : readv(fd, parts, count);
  return result < 0 ? -errno : result;
}

long clinux_reopen(int fd, int flags) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int new = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  return new < 0 ? -errno : new;
}

long clinux_epoll_set(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

long clinux_epoll_wait(int epoll, struct clinux_ready *ready, int count, int milliseconds) {
  struct epoll_event events[32];
  int result = epoll_wait(epoll, events, count < 32 ? count : 32, milliseconds);
  for (int i = 0; i < result; i++)
    ready[i] = (struct clinux_ready){.token = events[i].data.u64, .events = events[i].events};
  return result < 0 ? -errno : result;
}

int clinux_is_nested(void) {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx >> 31 & 1);
}
