/* Ending KVM_RUN from outside. A signal that arrives inside KVM_RUN ends it by itself; one that arrives just before would
   be lost, so the handler also leaves a mark: in `kicked` always, and in the run page's immediate_exit where a run is
   beginning, which KVM looks at before it enters the guest (Linux api.rst, section 5, immediate_exit). */
#define _GNU_SOURCE
#include "CKVM.h"
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* initial-exec: a handler must not be the first to touch a thread-local that is allocated on demand. */
#define THREAD_LOCAL static __thread __attribute__((tls_model("initial-exec")))
THREAD_LOCAL struct kvm_run *volatile running;
THREAD_LOCAL volatile sig_atomic_t kicked;
THREAD_LOCAL int32_t thread_id;
static atomic_int caught;

static void on_signal(int signal) {
  if (signal != ckvm_kick_signal())
    atomic_store(&caught, signal);
  kicked = 1;
  struct kvm_run *run = running;
  if (run)
    run->immediate_exit = 1;
}

long ckvm_run(int fd, struct kvm_run *run) {
  running = run;
  if (kicked)
    run->immediate_exit = 1;
  long result = ckvm_ioctl(fd, KVM_RUN, 0);
  running = NULL;
  if (result == -EINTR) {
    /* A signal between these lines is one with the kick that is being reported: the caller looks at what was asked of
       it after this returns. */
    kicked = 0;
    run->immediate_exit = 0;
  }
  return result;
}

int ckvm_kick_signal(void) { return SIGRTMIN + 4; }

static long install(int signal) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal; /* without SA_RESTART: a blocked write must come back too */
  sigfillset(&action.sa_mask);
  return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

long ckvm_install_kick(void) {
  struct sigaction old;
  if (sigaction(ckvm_kick_signal(), NULL, &old) < 0)
    return -errno;
  if (old.sa_handler == on_signal)
    return 0;
  return old.sa_handler == SIG_DFL ? install(ckvm_kick_signal()) : -EBUSY;
}

int32_t ckvm_prepare_thread(void) {
  if (thread_id == 0) {
    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, ckvm_kick_signal());
    pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
    thread_id = (int32_t)syscall(SYS_gettid);
  }
  return thread_id;
}

long ckvm_kick(int32_t thread) {
  return syscall(SYS_tgkill, getpid(), thread, ckvm_kick_signal()) < 0 ? -errno : 0;
}

long ckvm_catch_signal(int signal) { return install(signal); }

int ckvm_is_ignored(int signal) {
  struct sigaction action;
  return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int ckvm_caught_signal(void) { return atomic_load(&caught); }

/* The kernel's timers, not the C library's: glibc 2.36 keeps an allocation for each timer_t, and names no field for the
   thread in older headers. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

long ckvm_timer_create(int32_t thread) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = ckvm_kick_signal();
  event.sigev_notify_thread_id = thread;
  int timer = -1;
  return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) < 0 ? -errno : timer;
}

static struct timespec timespec_of(int64_t nanoseconds) {
  return (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}

long ckvm_timer_set(long timer, int64_t delay, int64_t interval) {
  struct itimerspec times = {.it_value = timespec_of(delay), .it_interval = timespec_of(interval)};
  return syscall(SYS_timer_settime, (int)timer, 0, &times, NULL) < 0 ? -errno : 0;
}

void ckvm_timer_delete(long timer) { syscall(SYS_timer_delete, (int)timer); }
