/* A terminal whose keys go to a guest as they are, and the way back. The settings are kept here, in C, because a signal that
   ends the process must put them back too, and a handler must not be Swift. tcsetattr, tcgetpgrp, sigaction and raise are
   safe in a handler (POSIX.1-2017 XSH 2.4.3). */
#define _GNU_SOURCE
#include "CLinuxHost.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* What ends a process without its leave, beside what ends a run in good order. SIGTSTP stops it, SIGCONT goes on. */
static const int signals[] = {SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,  SIGABRT, SIGTRAP, SIGSYS, SIGQUIT,
                              SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGTSTP, SIGCONT};
enum { signal_count = sizeof signals / sizeof signals[0] };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int terminal = -1; /* below 0 outside of a run */
static struct termios saved, raw;
static int was_raw; /* another program has the terminal too, and puts back what was there before */
static struct sigaction actions[signal_count]; /* what was there before */
static const char *_Atomic farewell;
static atomic_int continuations;
static atomic_int is_raw;
static atomic_int is_over; /* a signal ends the process: no thread may take the terminal again */
/* A stack that has run over is one of the crashes. */
static char crash_stack[64 << 10];

/* Whether the terminal is this process's to use. One that does not control the session knows no background. */
static int is_foreground(void) {
  pid_t group = tcgetpgrp(terminal);
  return group < 0 || group == getpgrp();
}

/* With SIGTTOU blocked: in the moment between the look and the call the process may have become a background one, and it
   must not stop here. */
static int set(const struct termios *settings) {
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  int result = tcsetattr(terminal, TCSANOW, settings) < 0 ? -errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

/* A background process leaves the terminal alone: whoever put it there has given the terminal other settings. */
static void give_back(void) {
  if (!was_raw && is_foreground())
    set(&saved);
}

/* Where the terminal takes it at once: a handler must not wait. */
static void say_farewell(void) {
  const char *text = atomic_load(&farewell);
  struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
  if (text && is_foreground() && poll(&output, 1, 0) > 0 && output.revents & POLLOUT)
    (void)!write(STDOUT_FILENO, text, strlen(text));
}

void clinux_terminal_set_farewell(const char *text) { atomic_store(&farewell, text); }

int clinux_terminal_continuations(void) { return atomic_load(&continuations); }

static int are_same(const struct termios *a, const struct termios *b) {
  return a->c_iflag == b->c_iflag && a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

static void take_again(void) {
  atomic_fetch_add(&continuations, 1);
  if (!atomic_load(&is_raw) || !is_foreground())
    return;
  struct termios now;
  if (was_raw && tcgetattr(terminal, &now) == 0 && !are_same(&now, &raw)) { /* the other program has put it back */
    saved = now;
    was_raw = 0;
  }
  set(&raw);
  if (!atomic_load(&is_raw)) /* the run has ended meanwhile, on another thread */
    set(&saved);
}

static void install(int signal, void (*handler)(int), struct sigaction *old) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);
  sigaction(signal, &action, old);
}

/* What the signal did before happens after all, when this handler returns and lets it through. */
static void on_end(int signal) {
  int error = errno;
  atomic_store(&is_over, 1);
  atomic_store(&is_raw, 0);
  say_farewell();
  give_back();
  for (int i = 0; i < signal_count; i++)
    if (signals[i] == signal)
      sigaction(signal, &actions[i], NULL);
  raise(signal);
  errno = error;
}

static void on_continue(int signal) {
  (void)signal;
  int error = errno;
  take_again();
  errno = error;
}

/* As the default action, which spares a process that nobody could continue; SIGCONT takes the terminal again. */
static void on_stop(int signal) {
  int error = errno;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, signal);
  say_farewell();
  give_back();
  struct sigaction action, own;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, &own);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &stop, NULL); /* it stops here */
  pthread_sigmask(SIG_BLOCK, &stop, NULL);
  sigaction(signal, &own, NULL);
  take_again();
  errno = error;
}

static void install_all(void) {
  for (int i = 0; i < signal_count; i++) {
    int signal = signals[i];
    void (*handler)(int) = signal == SIGTSTP ? on_stop : signal == SIGCONT ? on_continue : on_end;
    sigaction(signal, NULL, &actions[i]);
    if (actions[i].sa_handler != SIG_IGN || signal == SIGCONT)
      install(signal, handler, NULL);
  }
}

static void make_raw(struct termios *settings) {
  settings->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF | IXANY);
  settings->c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | ISIG | IEXTEN);
  settings->c_cc[VMIN] = 1;
  settings->c_cc[VTIME] = 0;
}

/* With the lock held. */
static long take(void) {
  if (terminal < 0 || atomic_load(&is_over) || !is_foreground())
    return 0;
  if (atomic_load(&is_raw))
    return 1;
  if (tcgetattr(terminal, &saved) < 0)
    return -errno;
  raw = saved;
  make_raw(&raw);
  was_raw = are_same(&saved, &raw);
  install_all();
  atomic_store(&is_raw, 1);
  long result = set(&raw);
  if (atomic_load(&is_over))
    set(&saved);
  return result < 0 ? result : 1;
}

long clinux_terminal_begin(int fd) {
  stack_t stack;
  if (sigaltstack(NULL, &stack) == 0 && stack.ss_flags & SS_DISABLE) {
    stack = (stack_t){.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    sigaltstack(&stack, NULL);
  }
  pthread_mutex_lock(&lock);
  terminal = fd;
  long result = take();
  pthread_mutex_unlock(&lock);
  if (result < 0)
    clinux_terminal_end();
  return result;
}

long clinux_terminal_resume(void) {
  pthread_mutex_lock(&lock);
  long result = take();
  pthread_mutex_unlock(&lock);
  return result;
}

void clinux_terminal_end(void) {
  pthread_mutex_lock(&lock);
  if (atomic_exchange(&is_raw, 0)) {
    give_back();
    for (int i = 0; i < signal_count; i++)
      sigaction(signals[i], &actions[i], NULL);
  }
  terminal = -1;
  pthread_mutex_unlock(&lock);
}

long clinux_terminal_size(int fd) {
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) < 0 ? -errno : (long)size.ws_row << 16 | size.ws_col;
}

long clinux_terminal_watch_size(void) {
  sigset_t change;
  sigemptyset(&change);
  sigaddset(&change, SIGWINCH);
  pthread_sigmask(SIG_BLOCK, &change, NULL);
  int fd = signalfd(-1, &change, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

long clinux_terminal_make_pair(char *name, size_t size) {
  int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  int error = unlockpt(fd) < 0 ? errno : ptsname_r(fd, name, size);
  if (error == 0)
    return fd;
  close(fd);
  return -error;
}

long clinux_terminal_make_transparent(int fd) {
  struct termios settings;
  if (tcgetattr(fd, &settings) < 0)
    return -errno;
  cfmakeraw(&settings);
  return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}
