// Segments and privilege levels in long mode.
#pragma once

/// Loads a descriptor table of our own: the code and data segments of entry (KERNEL_CODE, KERNEL_DATA), their twins
/// for ring 3, and a task-state segment.
void load_segments(void);

/// An exception in ring 3 is handled on the stack that ends at `top`, a multiple of 16.
void set_kernel_stack(void *top);

/// Leaves ring 0: calls `function(argument)` in ring 3, on the stack that ends at `stack_top`, a multiple of
/// 16. What the function returns is the exit status. Ring 3 may use the ports below 0x800.
/// The pages of code, data and stack must be open to ring 3, as the first 4 GiB are at entry.
/// An exception is the way back, given a kernel stack and a gate; without an interrupt descriptor table it ends in a triple fault.
_Noreturn void enter_ring3(int (*function)(const void *), const void *argument, void *stack_top);
