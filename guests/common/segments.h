// Segments and privilege levels in long mode.
#pragma once

/// Loads a descriptor table of our own: the code and data segments of entry (KERNEL_CODE, KERNEL_DATA), their twins
/// for ring 3, and a task-state segment.
void load_segments(void);

/// Leaves ring 0 for good: calls `function(argument)` in ring 3, on the stack that ends at `stack_top`, a multiple of
/// 16. What the function returns is the exit status. Ring 3 may use the ports below 0x800.
/// The pages of code, data and stack must be open to ring 3, as the first 4 GiB are at entry.
/// An exception ends in a triple fault, as there is no interrupt descriptor table.
_Noreturn void enter_ring3(int (*function)(const void *), const void *argument, void *stack_top);
