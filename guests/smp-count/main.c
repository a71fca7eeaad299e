// Starts all other vCPUs. Each checks in by its local APIC's number, takes an interrupt from the one before it, and sends one to the one
// behind it, so that one interrupt goes round by all of them. Up to 8 of them.
// How many there are the command line says by cpus=N; 1 unless given.
// Output, with cpus=3: "smp-count: 3 vCPUs are here\nsmp-count: an interrupt went round by 3\n"
// Status: 0, or 1 with a line of what is missing.
#include "command-line.h"
#include "cpus.h"

enum { MAX_CPUS = 8, ROUND_VECTOR = 0x30, DONE_VECTOR = 0x31, PATIENCE = 20000000 };

static volatile uint32_t here, went_round, came_back;
static volatile bool is_here[MAX_CPUS];
static uint32_t cpu_count;
/// Local APICs' numbers are those of the vCPUs, from 0 on.
static uint32_t next_of(uint32_t cpu) { return cpu + 1 == cpu_count ? 0 : cpu + 1; }

static void send(uint32_t cpu, uint32_t vector) {
    *apic(APIC_TARGET) = cpu << 24;
    *apic(APIC_COMMAND) = vector;
}

static void add_one(volatile uint32_t *count) { __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST); }

__attribute__((interrupt)) static void on_round(struct frame *frame) {
    (void)frame;
    uint32_t own = own_number();
    add_one(&went_round);
    // The first one began it.
    if (own != 0) send(next_of(own), ROUND_VECTOR);
    send(0, DONE_VECTOR);
    *apic(APIC_EOI) = 0;
}

__attribute__((interrupt)) static void on_done(struct frame *frame) {
    (void)frame;
    add_one(&came_back);
    *apic(APIC_EOI) = 0;
}

static void check_in(void) {
    uint32_t own = own_number();
    load_gates();
    *apic(APIC_SPURIOUS) = 0x1FF;
    if (own < MAX_CPUS) is_here[own] = true;
    add_one(&here);
    for (;;) asm volatile("sti; hlt");
}

/// An interrupt of the same vector that comes while one waits is lost; so all that counts is waited for at each step.
static bool wait_for(volatile uint32_t *count, uint32_t wanted, const char *what) {
    for (uint32_t turn = 0; turn < PATIENCE; turn++) {
        if (*count >= wanted) return true;
        asm volatile("pause");
    }
    print("smp-count: ");
    print_decimal(*count);
    print(what);
    return false;
}

int guest_main(const struct boot_params *params) {
    const char *count = find_word(command_line(params), "cpus=");
    uint64_t number = 1;
    if (count && (!parse_number(&count, &number) || number < 1 || number > MAX_CPUS)) number = 1;
    cpu_count = (uint32_t)number;
    load_segments();
    set_gate(ROUND_VECTOR, on_round);
    set_gate(DONE_VECTOR, on_done);
    load_gates();
    set_up_apic();
    is_here[0] = true;
    here = 1;
    if (cpu_count > 1) start_cpus(check_in);
    if (!wait_for(&here, cpu_count, " vCPUs are here\n")) return 1;
    for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
        if (is_here[cpu]) continue;
        print("smp-count: a vCPU has another number\n");
        return 1;
    }
    print("smp-count: ");
    print_decimal(here);
    print(" vCPUs are here\n");
    asm volatile("sti");
    send(next_of(0), ROUND_VECTOR);
    if (!wait_for(&went_round, cpu_count, " vCPUs had the interrupt\n")) return 1;
    print("smp-count: an interrupt went round by ");
    print_decimal(went_round);
    // Several that come at once are one.
    if (!wait_for(&came_back, 1, " interrupts came back\n")) return 1;
    print("\n");
    return 0;
}
