// An executable that can be loaded anywhere: whoever loads it has to add where it is to the addresses in its data.
// Output: "Hello from a position-independent executable!\n". Status: 0.
#include "guest.h"

struct boot_params;

static const char *const words[] = {"Hello ", "from ", "a ", "position-independent ", "executable!\n"};
// What the compiler cannot see through.
static const char *const *volatile list = words;

int guest_main(const struct boot_params *parameters) {
    (void)parameters;
    for (int index = 0; index < 5; index++) print(list[index]);
    return 0;
}
