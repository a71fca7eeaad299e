// Drops to ring 3 and works there. It is allowed to use ports, so it prints and ends the run by itself.
// Output: "ring 0: privilege level 0\nring 3: privilege level 3\nring 3: 9592 primes below 100000\n".
// Status: 0 (exit port), or 1 if the privilege level or the count is wrong.
#include "guest.h"
#include "segments.h"

enum { LIMIT = 100000, PRIMES = 9592 };

static bool composite[LIMIT];
static _Alignas(16) char stack[4096];

/// The low two bits of the code segment's selector (Intel SDM vol. 3A, "Privilege Levels").
static unsigned privilege_level(void) {
    uint16_t selector;
    asm volatile("movw %%cs, %0" : "=r"(selector));
    return selector & 3;
}

/// The sieve of Eratosthenes.
static unsigned count_primes(void) {
    unsigned count = 0;
    for (unsigned n = 2; n < LIMIT; n++) {
        if (composite[n]) continue;
        count++;
        for (unsigned multiple = 2 * n; multiple < LIMIT; multiple += n) composite[multiple] = true;
    }
    return count;
}

static int in_ring3(const void *unused) {
    (void)unused;
    unsigned level = privilege_level();
    print("ring 3: privilege level ");
    print_decimal(level);
    print("\n");

    unsigned count = count_primes();
    print("ring 3: ");
    print_decimal(count);
    print(" primes below ");
    print_decimal(LIMIT);
    print("\n");
    return level == 3 && count == PRIMES ? 0 : 1;
}

int guest_main(void) {
    print("ring 0: privilege level ");
    print_decimal(privilege_level());
    print("\n");
    enter_ring3(in_ring3, NULL, stack + sizeof stack);
}
