// The entry of a program for the host: the kernel leaves argc, then argv's pointers, on the stack (System V ABI, AMD64
// supplement, section 3.4.1). Calls `int main(int argc, char **argv)`; what that returns is the exit status.
.code64

#define EXIT_GROUP 231

.section .text.start, "ax"
.globl _start
_start:
    xorl  %ebp, %ebp                // the outermost frame
    movl  (%rsp), %edi
    leaq  8(%rsp), %rsi
    andq  $-16, %rsp
    call  main
    movl  %eax, %edi
    movl  $EXIT_GROUP, %eax
    syscall
    ud2                             // not reached
