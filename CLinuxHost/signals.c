/* Ending a system call from outside. A signal that arrives inside a call ends it by itself; one that arrives just before would be
   lost, so the handler also leaves a mark: in `clinux_kicked` always, and in the byte that the thread has named, where it has. */
#define _GNU_SOURCE
#include "CLinuxHost.h"
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__thread volatile sig_atomic_t clinux_kicked __attribute__((tls_model("initial-exec")));
__thread volatile uint8_t *volatile clinux_kick_flag __attribute__((tls_model("initial-exec")));
static __thread int32_t thread_id __attribute__((tls_model("initial-exec")));
static atomic_int caught;
/* A signal whose first arrival is told by an eventfd, instead; 0 for none. */
static atomic_int diverted, diverted_to;
/* How many threads may be about to tell it. */
static atomic_int diverting;

static struct timespec timespec_of(int64_t nanoseconds) {
  return (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}

/* Whether the signal is told by the eventfd. Most signals are kicks, for which one look is enough. */
static int divert(int signal) {
  if (atomic_load(&diverted) != signal)
    return 0;
  int before = errno, expected = signal, is_told = 0;
  uint64_t one = 1;
  atomic_fetch_add(&diverting, 1);
  if (atomic_compare_exchange_strong(&diverted, &expected, 0))
    is_told = write(atomic_load(&diverted_to), &one, sizeof one) == sizeof one;
  atomic_fetch_sub(&diverting, 1);
  errno = before;
  return is_told;
}

static void on_signal(int signal) {
  if (divert(signal))
    return;
  if (signal != clinux_kick_signal())
    atomic_store(&caught, signal);
  clinux_kicked = 1;
  volatile uint8_t *flag = clinux_kick_flag;
  if (flag)
    *flag = 1;
}

int clinux_kick_signal(void) { return SIGRTMIN + 4; }

static long install(int signal) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal; /* without SA_RESTART: a blocked write must come back too */
  sigfillset(&action.sa_mask);
  return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

long clinux_install_kick(void) {
  struct sigaction old;
  if (sigaction(clinux_kick_signal(), NULL, &old) < 0)
    return -errno;
  if (old.sa_handler == on_signal)
    return 0;
  return old.sa_handler == SIG_DFL ? install(clinux_kick_signal()) : -EBUSY;
}

int32_t clinux_prepare_thread(void) {
  if (thread_id == 0) {
    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, clinux_kick_signal());
    pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
    thread_id = (int32_t)syscall(SYS_gettid);
  }
  return thread_id;
}

long clinux_kick(int32_t thread) {
  return syscall(SYS_tgkill, getpid(), thread, clinux_kick_signal()) < 0 ? -errno : 0;
}

/* With every signal held back between the look at the mark and the wait, none is lost between the two. */
long clinux_wait(struct pollfd *requests, int count, int64_t nanoseconds) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  struct timespec time = timespec_of(nanoseconds);
  long result = -EINTR;
  if (!clinux_kicked) {
    result = ppoll(requests, (nfds_t)count, nanoseconds < 0 ? NULL : &time, &before);
    if (result < 0)
      result = -errno;
  }
  if (clinux_kicked && result <= 0) {
    clinux_kicked = 0;
    result = -EINTR;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

long clinux_catch_signal(int signal) { return install(signal); }

/* When this returns no thread's handler writes to the eventfd of before, which may be closed then. A handler of the calling thread has
   ended, and one of another does not block: nothing is waited for but its few instructions. */
void clinux_divert_signal(int signal, int event) {
  atomic_store(&diverted, 0);
  while (atomic_load(&diverting) > 0)
    sched_yield();
  atomic_store(&diverted_to, event);
  atomic_store(&diverted, signal);
}

int clinux_is_ignored(int signal) {
  struct sigaction action;
  return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int clinux_caught_signal(void) { return atomic_load(&caught); }

/* The kernel's timers, not the C library's: glibc 2.36 keeps an allocation for each timer_t, and names no field for the
   thread in older headers. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

long clinux_timer_create(int32_t thread) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = clinux_kick_signal();
  event.sigev_notify_thread_id = thread;
  int timer = -1;
  return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) < 0 ? -errno : timer;
}

long clinux_timer_set(long timer, int64_t delay, int64_t interval) {
  struct itimerspec times = {.it_value = timespec_of(delay), .it_interval = timespec_of(interval)};
  return syscall(SYS_timer_settime, (int)timer, 0, &times, NULL) < 0 ? -errno : 0;
}

void clinux_timer_delete(long timer) { syscall(SYS_timer_delete, (int)timer); }

long clinux_signal_later(int signal, int64_t delay) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal;
  int timer = -1;
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) < 0)
    return -errno;
  long result = clinux_timer_set(timer, delay, 0);
  return result < 0 ? result : timer;
}

void clinux_condition_init(struct clinux_condition *condition) {
  pthread_condattr_t attributes;
  pthread_mutex_init(&condition->mutex, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&condition->changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

void clinux_condition_destroy(struct clinux_condition *condition) {
  pthread_cond_destroy(&condition->changed);
  pthread_mutex_destroy(&condition->mutex);
}

int clinux_condition_wait(struct clinux_condition *condition, int64_t end) {
  if (end < 0)
    return pthread_cond_wait(&condition->changed, &condition->mutex) == 0;
  struct timespec time = timespec_of(end);
  return pthread_cond_timedwait(&condition->changed, &condition->mutex, &time) != ETIMEDOUT;
}
