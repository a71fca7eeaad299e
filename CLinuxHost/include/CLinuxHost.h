/* The C that Swift needs to speak to Linux: signal handlers, which must not be Swift, and calls that the importer cannot see.
   Every function that calls the system returns its result, or -errno. */
#ifndef CLINUXHOST_H
#define CLINUXHOST_H

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* An eventfd that does not block, or -errno. */
long clinux_event_create(void);

/* readv(2) that does not wait, where the kernel can do that for such a file: what poll(2) has told of may be gone, to another
   process. The number of bytes, or -errno. */
long clinux_read_now(int fd, const struct iovec *parts, int count);

/* writev(2): the number of bytes, or -errno. */
static inline long clinux_write(int fd, const struct iovec *parts, int count) {
  long result = writev(fd, parts, count);
  return result < 0 ? -errno : result;
}

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

/* Makes `signal` a kick of the thread that it is delivered to, and remembers it. */
long clinux_catch_signal(int signal);

/* Whether the process ignores `signal`, as nohup(1) has it ignore SIGHUP. */
int clinux_is_ignored(int signal);

/* The last signal that was caught so, or 0. */
int clinux_caught_signal(void);

/* A timer that kicks `thread`: the id of the timer, or -errno. */
long clinux_timer_create(int32_t thread);
/* First kick `delay` ns from now, then one each `interval` ns; a `delay` of 0 disarms. */
long clinux_timer_set(long timer, int64_t delay, int64_t interval);
void clinux_timer_delete(long timer);

/* ---- a terminal whose keys go to a guest as they are ---- */

/* From now on the terminal is the calling thread's and its guest's: each key comes at once and as it is, none is echoed or
   raises a signal; output is processed as before. Signals that end the process put its settings back first, SIGTSTP does so
   for as long as the process is stopped, and SIGCONT takes the terminal again.
   1, or 0 where the process is in the background and has left the terminal alone, or -errno with nothing changed. */
long clinux_terminal_begin(int fd);

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

#endif
