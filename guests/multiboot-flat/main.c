// A Multiboot kernel that is no ELF file: its header says where it goes.
// Output: "Multiboot 1\n", "memory: <N> MiB\n", "command line: <words behind the first>\n", "zeros behind the image\n". Status: 33.
#include "multiboot.h"

static uint32_t zeros[4096];

void guest_main(uint32_t magic, uint32_t address) {
    tell_multiboot(magic, address);
    for (int index = 0; index < 4096; index++) require(zeros[index] == 0, "what is behind the image");
    print("zeros behind the image\n");
    end(true);
}
