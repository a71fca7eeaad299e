/* The C that Swift needs to speak to Linux: signal handlers, which must not be Swift, and calls that the importer cannot see.
   Every function that calls the system returns its result, or -errno. */
#ifndef CLINUXHOST_H
#define CLINUXHOST_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/uio.h>

/* An eventfd that does not block, or -errno. */
long clinux_event_create(void);

/* How a stream is read and written without waiting, whatever O_NONBLOCK says, which belongs to all who share the description. */
enum clinux_stream {
  CLINUX_PLAIN = 0,     /* the description has O_NONBLOCK, or is of a file that never makes anyone wait for long */
  CLINUX_SOCKET = 1,    /* by MSG_DONTWAIT */
  CLINUX_CAREFUL = 2,   /* poll(2) first, and then no more than a pipe with room takes: another process may be quicker */
};

/* Several buffers in one call: the number of bytes, or -errno. */
long clinux_write_stream(int fd, int stream, const struct iovec *parts, int count);
long clinux_read_stream(int fd, int stream, const struct iovec *parts, int count);

/* The file behind a descriptor opened anew, without waiting, for `flags`; or -errno. */
long clinux_reopen(int fd, int flags);

/* readv(2) that does not wait, where the kernel can do that for such a file: what poll(2) has told of may be gone, to another
   process. The number of bytes, or -errno. */
long clinux_read_now(int fd, const struct iovec *parts, int count);

/* ---- epoll(7), without its union ---- */

struct clinux_ready {
  uint64_t token;
  uint32_t events;
};

/* `operation` is EPOLL_CTL_ADD, _MOD or _DEL. 0, or -errno. */
long clinux_epoll_set(int epoll, int operation, int fd, uint32_t events, uint64_t token);
/* How many are ready, or -errno. `milliseconds` below 0 for as long as it takes. */
long clinux_epoll_wait(int epoll, struct clinux_ready *ready, int count, int milliseconds);

/* Whether the processor says that this system is itself a virtual machine (CPUID leaf 1, ECX bit 31). */
int clinux_is_nested(void);

/* ---- the signal that ends a thread's system call ---- */

/* What the kick's handler leaves behind on the thread that it interrupts: `clinux_kicked` is 1 until somebody has looked at what was
   asked for, and so is the byte at `clinux_kick_flag` where there is one, which KVM looks at before it enters a guest.
   initial-exec: a handler must not be the first to touch a thread-local that is allocated on demand. */
extern __thread volatile sig_atomic_t clinux_kicked __attribute__((tls_model("initial-exec")));
extern __thread volatile uint8_t *volatile clinux_kick_flag __attribute__((tls_model("initial-exec")));

/* The real-time signal that kicks. Nothing else in the process may use it. */
int clinux_kick_signal(void);

/* Installs the kick's handler. -EBUSY when the process handles that signal in another way. */
long clinux_install_kick(void);

/* The calling thread's id; also lets the kick through where the thread blocks it, on the first call. */
int32_t clinux_prepare_thread(void);

/* Kicks a thread of this process. */
long clinux_kick(int32_t thread);

/* ppoll(2) that a kick of the calling thread ends: with -EINTR, also where the kick came before it since somebody looked last. */
long clinux_wait(struct pollfd *requests, int count, int64_t nanoseconds);

/* Makes `signal` a kick of the thread that it is delivered to, and remembers it. */
long clinux_catch_signal(int signal);

/* Has the next `signal`, of those that are caught, add one to the counter of an eventfd and do nothing else. One signal at a time; 0 and
   -1 for none. */
void clinux_divert_signal(int signal, int event);

/* Whether the process ignores `signal`, as nohup(1) has it ignore SIGHUP. */
int clinux_is_ignored(int signal);

/* The last signal that was caught so, or 0. */
int clinux_caught_signal(void);

/* A timer that kicks `thread`: the id of the timer, or -errno. */
long clinux_timer_create(int32_t thread);
/* First kick `delay` ns from now, then one each `interval` ns; a `delay` of 0 disarms. */
long clinux_timer_set(long timer, int64_t delay, int64_t interval);
void clinux_timer_delete(long timer);

/* Sends this process `signal` in `delay` ns. Its timer, to be deleted, or -errno. */
long clinux_signal_later(int signal, int64_t delay);

/* ---- a condition to wait for, by the monotonic clock ---- */

struct clinux_condition {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
};
void clinux_condition_init(struct clinux_condition *condition);
void clinux_condition_destroy(struct clinux_condition *condition);
/* With the mutex held. 0 when the time is over: `end` is in ns of the monotonic clock, below 0 for never. */
int clinux_condition_wait(struct clinux_condition *condition, int64_t end);

/* ---- a terminal whose keys go to a guest as they are ---- */

/* From now on the terminal is the calling thread's and its guest's: each key comes at once and as it is, none is echoed or
   raises a signal; output is processed as before. Signals that end the process put its settings back first, SIGTSTP does so
   for as long as the process is stopped, and SIGCONT takes the terminal again.
   1, or 0 where the process is in the background and has left the terminal alone, or -errno with nothing changed. */
long clinux_terminal_begin(int fd);

/* What is written to standard output, a string that stays, before a signal ends or stops the process: it leaves the terminal's alternate
   screen. */
void clinux_terminal_set_farewell(const char *text);

/* How often the process has gone on after a stop, or been told to. */
int clinux_terminal_continuations(void);

/* The same for a process that may have come to the foreground since. From any thread; 0 after the end. */
long clinux_terminal_resume(void);

/* Puts the settings and the signals' actions back. From any thread, as often as one likes. */
void clinux_terminal_end(void);

/* The size of a terminal in characters, 0 where it does not know: columns in the lower 16 bits, rows in the next 16; or -errno. */
long clinux_terminal_size(int fd);

/* From now on the calling thread takes no SIGWINCH, nor do threads that it makes: a signalfd tells of it. Or -errno. */
long clinux_terminal_watch_size(void);

/* Makes a pseudo-terminal: the descriptor of its first side. `name` gets the path of the other side and its end. */
long clinux_terminal_make_pair(char *name, size_t size);

/* Bytes pass the terminal unchanged both ways. */
long clinux_terminal_make_transparent(int fd);

/* The words that the program was started with, its name included. */
int clinux_argument_count(void);
const char *clinux_argument(int index);

#endif
