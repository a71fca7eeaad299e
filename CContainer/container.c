#define _GNU_SOURCE
#include "CContainer.h"
#include <errno.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static int answer(long result) { return result < 0 ? -errno : (int)result; }

/* Raw: a clone3(2) without a stack of its own is a fork(2). What the C library keeps of the thread's id is wrong in the child, which
   uses nothing that looks at it. */
int ccontainer_clone(unsigned long namespaces, int group) {
  struct clone_args arguments = {
      .flags = namespaces | (group < 0 ? 0 : CLONE_INTO_CGROUP),
      .exit_signal = SIGCHLD,
      .cgroup = group < 0 ? 0 : (unsigned)group,
  };
  return answer(syscall(SYS_clone3, &arguments, sizeof arguments));
}

int ccontainer_unshare(unsigned long namespaces) { return answer(syscall(SYS_unshare, namespaces)); }

/* The old root comes to lie over the new one, from where it is taken (pivot_root(2), "pivot_root(".", ".")"). */
int ccontainer_pivot_root(void) {
  enum { DETACH = 2 };
  if (syscall(SYS_pivot_root, ".", ".") < 0)
    return -errno;
  if (syscall(SYS_umount2, ".", DETACH) < 0)
    return -errno;
  return answer(chdir("/"));
}

int ccontainer_close_on_exec(void) { return answer(syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC)); }

int ccontainer_drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    return -errno;
  /* EINVAL comes after the last one that the kernel knows. */
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
  }
  if (errno != EINVAL || syscall(SYS_capset, &header, none) < 0)
    return -errno;
  return answer(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

int ccontainer_signal_at_parents_end(int signal) { return answer(prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)); }

int ccontainer_adopt_orphans(void) { return answer(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }

int ccontainer_open_process(int process) { return answer(syscall(SYS_pidfd_open, process, 0)); }

int ccontainer_filter(const struct sock_filter *program, unsigned short count) {
  struct sock_fprog filter = {.len = count, .filter = (struct sock_filter *)program};
  return answer(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
}
