// Four kinds of work, for machines to be paused, saved and resumed under: each can be checked byte by byte. In round n, from 0, it
//   uart     prints line n on the serial port
//   virtio   sends lines 64 n to 64 n + 63 by the virtio-console; up to four such blocks are under way
//   disk     writes four sectors of the virtio-blk device, and reads them back: from sector 4 (n mod 16) on, with long-virtio-blk's
//            pattern of seed n; in every 16th round it has them flushed, and in the last one reads what was written before, too
//   sleep    sleeps for about 1 ms: by HLT and a timer that ticks once, the PIT or, where there is no PIC, the local APIC's; where
//            there are no interrupt controllers by hypercall
// Words of the command line; others count for nothing:
//   rounds=N   1 to 67,108,864; 100 unless given
//   cpus=4     vCPU 0 does the first kind of work, 1 the second and so on, all at the same time; else one does them in turn. Needs
//              --cpus 4 or more.
//   level      uses the I/O APIC and the local APIC's timer in any case, and interrupts that last as long as their cause
// The devices are those of the command line; what is not there is left out. A disk of less than 64 sectors has fewer places.
// Output: on the serial port "uart 00000011 <16 digits>\n" for line 17, on the virtio-console "virtio 00000011 <16 digits>\n", both
// hexadecimal; the digits are what is at that place, from 0, in SplitMix64's row with seed 0 for uart and 1 for virtio.
// Then "mix: 100 rounds of uart virtio disk sleep, nothing wrong\n" on the serial port.
// Status: 0 (exit port), or 1 after "mix: " and what is wrong on the serial port.
// All is done in ring 0, by about 16,000 instructions a round: some hosts interpret each. Where it waits by hypercall it reads input
// away.
#include "mix.h"
#include "command-line.h"
#include "cpus.h"

enum { DEFAULT_ROUNDS = 100, MOST_ROUNDS = 1 << 26, LONGEST_START = 3000 };

static const char *const names[KINDS] = { [UART] = "uart", [VIRTIO] = "virtio", [DISK] = "disk", [SLEEP] = "sleep" };

/// How far a kind has come. `wrong` is what is wrong with its round, or NULL.
static struct {
    volatile uint32_t round;
    const char *volatile wrong;
    volatile bool has_ended;
} progress[KINDS];

uint32_t rounds;
static volatile uint32_t awake_count;

static int fail(const char *reason) {
    print("mix: ");
    print(reason);
    print("\n");
    return 1;
}

static bool is_wrong(void) {
    bool is_wrong = false;
    for (int kind = 0; kind < KINDS; kind++) is_wrong |= progress[kind].wrong != NULL;
    return is_wrong;
}

static void do_round(int kind, uint32_t round) {
    const char *wrong = do_work(kind, round);
    progress[kind].round = round;
    progress[kind].wrong = wrong;
}

static void do_in_turn(void) {
    for (uint32_t round = 0; round < rounds; round++) {
        for (int kind = 0; kind < KINDS && !is_wrong(); kind++) {
            if (has_kind(kind)) do_round(kind, round);
        }
    }
}

static void do_kind(int kind) {
    for (uint32_t round = 0; has_kind(kind) && round < rounds && !is_wrong(); round++) do_round(kind, round);
    progress[kind].has_ended = true;
}

static void on_other_cpu(void) {
    uint32_t number = set_up_cpu();
    if (number < CPUS) {
        __atomic_add_fetch(&awake_count, 1, __ATOMIC_SEQ_CST);
        do_kind((int)number);
    }
    sleep_for_ever();
}

/// False if there are too few vCPUs.
static bool do_together(void) {
    start_cpus(on_other_cpu);
    for (int naps = 0; awake_count < CPUS - 1; naps++) {
        if (naps == LONGEST_START) return false;
        do_work(SLEEP, 0);
    }
    do_kind(UART);
    for (int kind = 0; kind < KINDS; kind++) {
        while (!progress[kind].has_ended && !is_wrong()) do_work(SLEEP, 0);
    }
    return true;
}

static int tell_result(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        if (!progress[kind].wrong) continue;
        print("mix: ");
        print(names[kind]);
        print(", round ");
        print_decimal(progress[kind].round);
        print(": ");
        print(progress[kind].wrong);
        print("\n");
        return 1;
    }
    print("mix: ");
    print_decimal(rounds);
    print(" rounds of");
    for (int kind = 0; kind < KINDS; kind++) {
        if (!has_kind(kind)) continue;
        print(" ");
        print(names[kind]);
    }
    print(", nothing wrong\n");
    return 0;
}

int guest_main(const struct boot_params *params) {
    const char *text = command_line(params), *number = find_word(text, "rounds=");
    uint64_t wanted = DEFAULT_ROUNDS;
    bool together = has_word(text, "cpus=4");
    if (number && (!parse_number(&number, &wanted) || !is_end_of_word(number))) wanted = 0;
    if (wanted < 1 || wanted > MOST_ROUNDS) return fail("rounds= is not a number from 1 to 67108864");
    rounds = (uint32_t)wanted;
    const char *wrong = set_up(text, together);
    if (wrong) return fail(wrong);
    if (!together) do_in_turn();
    else if (!do_together()) return fail("cpus=4 takes four vCPUs: run this with --cpus 4");
    return tell_result();
}
