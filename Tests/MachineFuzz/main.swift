import Glibc
import HostileGuest
import Synchronization
import VMM

// Runs hostile guests on KVM, one after the other, each in a machine of its own with 20 ms to live:
//     scripts/fuzz fuzz-machine SECONDS
//     scripts/fuzz fuzz-machine seed:NUMBER     one of them again
let timeout = Duration.milliseconds(20)
/// No run may take longer than that, however busy the machine.
let patience = Duration.seconds(30)
let word = CommandLine.arguments.dropFirst().first ?? ""

func fail(_ text: String) -> Never {
    let line = "fuzz-machine: \(text)\n"
    // SAFETY: the text lives for the length of the call, and its count is in bytes.
    _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
    exit(1)
}

/// Which guest runs, and since when.
let current = Mutex<(seed: UInt64, start: ContinuousClock.Instant)?>(nil)
Task.detached {
    while true {
        try await Task.sleep(for: .seconds(1))
        if let (seed, start) = current.withLock({ $0 }), start.duration(to: .now) > patience {
            fail("seed \(seed) has not ended after \(patience)")
        }
    }
}

/// A file of this process's alone, which is opened again by its descriptor.
func makeFile() -> Int32 {
    var template = Array("/tmp/fuzz-machine-XXXXXX".utf8CString)
    // SAFETY: a C string of this function's own, which the call completes.
    let file = unsafe mkstemp(&template)
    guard file >= 0, unsafe unlink(template) == 0 else { fail("cannot make a disk in /tmp: \(errno)") }
    return file
}

let disk = makeFile()

/// - Returns: what is left of the machine, how it ended, and how long it ran more than it had.
func run(_ seed: UInt64) async -> (finished: FinishedMachine, reason: StopReason, overrun: Duration) {
    // Each has an empty one.
    guard ftruncate(disk, 0) == 0, ftruncate(disk, 1 << 20) == 0 else { fail("cannot empty its disk: \(errno)") }
    let configuration = HostileGuest(seed: seed).configuration(disk: "/proc/self/fd/\(disk)", timeout: timeout)
    current.withLock { $0 = (seed, .now) }
    do throws(VMMError) {
        let machine = try await VirtualMachine(configuration)
        let start = ContinuousClock.now
        let finished = await machine.run()
        let overrun = start.duration(to: .now) - timeout
        current.withLock { $0 = nil }
        return (finished, try finished.reason, overrun)
    } catch {
        fail("seed \(seed): \(error)")
    }
}

func fuzz(for seconds: Int) async {
    var ends: [String: Int] = [:]
    var (faults, requests, bytes) = (0, UInt64(0), UInt64(0))
    var (count, longest, worst) = (0, Duration.zero, UInt64(0))
    let first = UInt64.random(in: 0 ... .max)
    // Where a guest ends this process, its number is the last one of the file's.
    let path = ".build/fuzz-machine.seed"
    // SAFETY: a C string for the length of the call.
    let note = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard note >= 0 else { fail("cannot write \(path): \(errno)") }
    print("fuzz-machine: from seed \(first) on; the one that runs stands in \(path)")
    let start = ContinuousClock.now
    while start.duration(to: .now) < .seconds(seconds) {
        let seed = first &+ UInt64(count)
        let text = "\(seed)\n"
        // SAFETY: the text lives for the length of the call, and its count is in bytes.
        _ = unsafe pwrite(note, text, text.utf8.count, 0)
        let (finished, reason, overrun) = await run(seed)
        for report in finished.deviceReports {
            faults += report.fault == nil ? 0 : 1
            requests += report.requests ?? 0
            bytes += report.consoleBytes ?? 0
        }
        ends["\(reason)".prefix { $0.isLetter || $0 == " " }.description, default: 0] += 1
        if overrun > longest { (longest, worst) = (overrun, seed) }
        count += 1
    }
    print(
        "fuzz-machine: \(count) guests in \(seconds) s, each ended; the latest \(longest) after its time, seed \(worst)"
    )
    print(
        "  \(requests) requests to disks, \(bytes) bytes on consoles, \(faults) virtio devices given up by what their drivers did"
    )
    for (end, number) in ends.sorted(by: { $0.value > $1.value }).prefix(12) { print("  \(number) × \(end)") }
}

if word.hasPrefix("seed:"), let seed = UInt64(word.dropFirst(5)) {
    let (_, reason, overrun) = await run(seed)
    print("seed \(seed): \(reason), \(overrun) after its time")
} else if let seconds = Int(word), seconds > 0 {
    await fuzz(for: seconds)
} else {
    fail("usage: fuzz-machine SECONDS, or seed:NUMBER")
}
