// What the parts of long-mix share.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPUS = 4 };

/// The kinds of work, by the number of the vCPU that does them.
enum { UART, VIRTIO, DISK, SLEEP, KINDS };

extern uint32_t rounds;

/// Finds out which kinds there can be, and makes ready what they need: devices, and a way to sleep. With `together` each device
/// interrupts the vCPU of its kind. What is wrong, or NULL.
const char *set_up(const char *command_line, bool together);

bool has_kind(int kind);

/// Does one round, from 0, of a kind. What is wrong, or NULL.
const char *do_work(int kind, uint32_t round);

/// Makes a vCPU that was started ready for its kind. Its number.
uint32_t set_up_cpu(void);
