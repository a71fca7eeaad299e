// The hypercall doorbell (docs/hypercall.md). The #define lines serve assembly and C alike.
#pragma once

#define HYPERCALL_PORT 0x510            // 32-bit write: address of a request; 32-bit read: the signature
#define HYPERCALL_SIGNATURE 0x314D5653  // "SVM1"
#define HYPERCALL_VERSION 1
#define HYPERCALL_LONGEST 65536         // bytes that one request prints or reads at most

#define HYPERCALL_DISCOVER 0            // answer: length is the version
#define HYPERCALL_WRITE 1               // prints `length` bytes at `address`; answer: how many were printed
#define HYPERCALL_READ 2                // takes at most `length` bytes of input to `address`; answer: how many came
#define HYPERCALL_WAIT 3                // sleeps until there is something, `length` nanoseconds at most; answer: what, see below
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

/// What WAIT answers, 0 after the time. It returns at once as long as there is input, or a device's interrupt line is high.
enum { HYPERCALL_HAS_INPUT = 1, HYPERCALL_HAS_INTERRUPT = 2 };

_Static_assert(sizeof(struct hypercall_request) == HYPERCALL_REQUEST_SIZE, "");
_Static_assert(offsetof(struct hypercall_request, operation) == HYPERCALL_OPERATION_OFFSET, "");
_Static_assert(offsetof(struct hypercall_request, status) == HYPERCALL_STATUS_OFFSET, "");
_Static_assert(offsetof(struct hypercall_request, address) == HYPERCALL_ADDRESS_OFFSET, "");
_Static_assert(offsetof(struct hypercall_request, length) == HYPERCALL_LENGTH_OFFSET, "");

/// Whether there is a doorbell.
static inline _Bool has_hypercalls(void) {
    uint32_t signature;
    asm volatile("inl %1, %0" : "=a"(signature) : "d"((uint16_t)HYPERCALL_PORT));
    return signature == HYPERCALL_SIGNATURE;
}

/// Makes a request, which lies on the stack; `length` becomes the answered one. The status, or all ones if nobody answered.
static inline uint32_t hypercall(uint32_t operation, const volatile void *address, uint64_t *length) {
    volatile struct hypercall_request request = { operation, ~0u, (uint64_t)address, *length };
    asm volatile("outl %0, %1" : : "a"((uint32_t)(uint64_t)&request), "d"((uint16_t)HYPERCALL_PORT) : "memory");
    *length = request.length;
    return request.status;
}
#endif
