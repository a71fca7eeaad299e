/* libFuzzer as a library (LLVM, FuzzerDriver.cpp): a Swift executable has a `main` of its own. */
#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

/* Runs `target` on inputs until the time in the arguments is over, or the process dies of one. */
int cfuzzer_run(int argc, char **argv, int (*target)(const uint8_t *data, size_t size));

#endif
