/* The system calls of a container that Swift cannot make: the C library's headers hide them, or they are variadic, or, as with
   fork(2), Swift does not let them be called. Every function returns the call's result, or -errno. */
#ifndef CCONTAINER_H
#define CCONTAINER_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>

/* Where Swift does not take the macros. */
static const uint32_t ccontainer_architecture = AUDIT_ARCH_X86_64;
static const uint16_t ccontainer_load_word = BPF_LD | BPF_W | BPF_ABS;
static const uint16_t ccontainer_jump_if_equal = BPF_JMP | BPF_JEQ | BPF_K;
static const uint16_t ccontainer_return = BPF_RET | BPF_K;

/* Continues in a child, as fork(2) does, in new namespaces (CLONE_NEW…): 0 in the child, its process id in the parent. Only for
   a process with one thread. `group` is the folder of the control group, of version 2, that the child begins in; below 0, its
   parent's. */
int ccontainer_clone(unsigned long namespaces, int group);

/* Moves the process into new namespaces (unshare(2)). */
int ccontainer_unshare(unsigned long namespaces);

/* Makes the current folder the root, and takes what was the root out of the tree (pivot_root(2)). */
int ccontainer_pivot_root(void);

/* Has an execve(2) close all descriptors from 3 on (close_range(2)). */
int ccontainer_close_on_exec(void);

/* Gives up all capabilities for good, and whatever an execve(2) could bring back (capabilities(7)). */
int ccontainer_drop_capabilities(void);

/* Sends the process this signal when its parent ends (PR_SET_PDEATHSIG). */
int ccontainer_signal_at_parents_end(int signal);

/* Makes the process the parent of all that its children leave behind (PR_SET_CHILD_SUBREAPER). */
int ccontainer_adopt_orphans(void);

/* A descriptor that becomes readable when the process ends (pidfd_open(2)). */
int ccontainer_open_process(int process);

/* From now on each system call goes through a filter (seccomp(2)). */
int ccontainer_filter(const struct sock_filter *program, unsigned short count);

#endif
