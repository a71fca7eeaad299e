// The hypercall doorbell (docs/hypercall.md). The #define lines serve assembly and C alike.
#pragma once

#define HYPERCALL_PORT 0x510            // 32-bit write: address of a request; 32-bit read: the signature
#define HYPERCALL_SIGNATURE 0x314D5653  // "SVM1"
#define HYPERCALL_VERSION 1
#define HYPERCALL_LONGEST 65536         // bytes that one request prints or reads at most

#define HYPERCALL_DISCOVER 0            // answer: length is the version
#define HYPERCALL_WRITE 1               // prints `length` bytes at `address`; answer: how many were printed
#define HYPERCALL_READ 2                // takes at most `length` bytes of input to `address`; answer: how many came
#define HYPERCALL_WAIT 3                // sleeps for input, `length` nanoseconds at most; answer: 1 if there is input
#define HYPERCALL_EXIT 4                // ends the run with status `length`

#define HYPERCALL_DONE 0
#define HYPERCALL_UNKNOWN_OPERATION 1
#define HYPERCALL_BAD_BUFFER 2

#define HYPERCALL_REQUEST_SIZE 24
#define HYPERCALL_OPERATION_OFFSET 0
#define HYPERCALL_STATUS_OFFSET 4
#define HYPERCALL_ADDRESS_OFFSET 8
#define HYPERCALL_LENGTH_OFFSET 16

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct hypercall_request {
    uint32_t operation;
    uint32_t status;
    uint64_t address;
    uint64_t length;
};

_Static_assert(sizeof(struct hypercall_request) == HYPERCALL_REQUEST_SIZE, "");
_Static_assert(offsetof(struct hypercall_request, operation) == HYPERCALL_OPERATION_OFFSET, "");
_Static_assert(offsetof(struct hypercall_request, status) == HYPERCALL_STATUS_OFFSET, "");
_Static_assert(offsetof(struct hypercall_request, address) == HYPERCALL_ADDRESS_OFFSET, "");
_Static_assert(offsetof(struct hypercall_request, length) == HYPERCALL_LENGTH_OFFSET, "");
#endif
