import Glibc
import GuestTable
import KVM
import VMM

// Runs every guest of the table and says what differs, on hosts where the test suites cannot run:
//     guest-check GUESTS-FOLDER SWIFTVMM    each through the library, and by the command as a process
//     guest-check --host GUESTS-FOLDER SWIFTVMM    what the host answers when it is tried, and a first state that VT-x refuses
// Its last line counts; its status is 0 when nothing differs.

let arguments = CommandLine.arguments.dropFirst()
guard arguments.count == (arguments.first == "--host" ? 3 : 2) else {
    print("usage: guest-check GUESTS-FOLDER SWIFTVMM | guest-check --host GUESTS-FOLDER SWIFTVMM")
    exit(64)
}
var failures = 0
var count = 0

@MainActor func check(_ name: String, _ isRight: Bool, _ found: String) {
    count += 1
    if !isRight { failures += 1 }
    print("\(isRight ? "ok    " : "FAILED") \(name)\(isRight ? "" : ": \(found)")")
    fflush(nil)
}

/// Runs a guest with a deadline.
func run(_ image: ImageSource, _ adjust: (inout MachineConfiguration) -> Void) -> (reason: StopReason?, found: String) {
    let output = ConsoleOutput()
    var configuration = MachineConfiguration(image: image, output: output)
    configuration.timeout = .seconds(300)
    adjust(&configuration)
    do throws(VMMError) {
        let machine = try VirtualMachine(configuration)
        let finished = machine.run()
        let reason = try finished.reason
        return (reason, "\(String(decoding: output.collected, as: UTF8.self))\(reason)")
    } catch {
        return (nil, "\(error)")
    }
}

/// Every guest of the table, and the two that do not end well.
@MainActor func checkGuests(in folder: String, by binary: String) {
    for row in GuestRow.all {
        let (_, found) = run(.file("\(folder)/\(row.name)"), row.configure)
        check(row.description, found == "\(row.output)\(row.reason)", found)
        let command = CommandRun(row, in: folder, by: binary)
        check("\(row.description), as a process", command == .expected(of: row), "\(command)")
    }

    let (spin, spinFound) = run(.file("\(folder)/spin.bin")) { $0.timeout = .seconds(1) }
    check("spin.bin, stopped by its deadline", spin == .deadline, spinFound)
    let stopped = CommandRun("\(folder)/spin.bin", by: binary, options: "--timeout 1")
    check("spin.bin, as a process", stopped.status == 124 && stopped.output.isEmpty, "\(stopped)")

    let (fault, faultFound) = run(.file("\(folder)/triple-fault.bin")) { _ in }
    if case .tripleFault = fault {
        check("triple-fault.bin", true, "")
    } else {
        check("triple-fault.bin", false, faultFound)
    }
    let died = CommandRun("\(folder)/triple-fault.bin", by: binary, options: "--timeout 300")
    check("triple-fault.bin, as a process", died.status == 125 && died.errors.contains("triple fault"), "\(died)")

    for expected in ExceptionCase.all {
        let (reason, found) = run(.bytes(expected.code)) { $0.mode = expected.mode }
        let outcome = reason.map { ExceptionCase.outcome(of: $0) } ?? found
        check(
            "\(expected), without a handler", expected.allows(outcome, modules: HostFacts.loadedModules), outcome)
    }

    let known = Set(
        GuestRow.all.map(\.name) + ["spin.bin", "triple-fault.bin", "long-virtio-flood.elf", "boot-game.bin"])
    // Programs for the host are no guests.
    let files = entries(of: folder).filter { !$0.hasSuffix("-process") }
    check("every guest is in the table", !files.isEmpty && files.isSubset(of: known), "\(files.subtracting(known))")
}

/// The files of a folder, hidden ones left out.
func entries(of folder: String) -> Set<String> {
    var names: Set<String> = []
    guard let listing = unsafe opendir(folder) else { return names }
    // SAFETY: an entry and its name, a C string, live until the next call.
    while let entry = unsafe readdir(listing) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if !name.hasPrefix(".") { names.insert(name) }
    }
    unsafe closedir(listing)
    return names
}

/// What `swiftvmm doctor` finds out. A step of guest debugging is left out: Bochs 2.7 traps before the instruction too.
@MainActor func checkHost(by binary: String) {
    guard let report = try? HostTrials().report() else { return check("the host has KVM", false, "it has none") }
    let known: [String: HostReport.Backend] = ["kvm_intel": .vtx, "kvm_amd": .amdV, "kvm_pvm": .software]
    let expected = report.modules.compactMap { known[$0] }
    check("the back end is \(report.modules)'s", expected.map { .success($0) } == [report.backend], "\(report.backend)")
    let costs = [report.ring0Instruction, report.ring3Instruction, report.portExit, report.mmioExit]
    let areTimes = costs.allSatisfy { if case .success(.nanoseconds(let time)) = $0 { time > 0 } else { false } }
    check("every cost is a time", areTimes, "\(costs)")
    let notifications = [report.ioeventfd, report.coalescedWrites, report.irqfd]
    check("every notification works", notifications.allSatisfy { $0 == .success(true) }, "\(notifications)")
    let doctor = CommandRun(command: "\(binary) doctor")
    let isTold = [
        "KVM            usable", "backend        \(expected == [.vtx] ? "VT-x" : "")", "irqfd          works",
    ]
    .allSatisfy { doctor.output.contains($0) }
    check("doctor tells it", doctor.status == 0 && isTold, "\(doctor)")
}

/// A task register that is not busy: refused in words, and by VT-x itself where the words are not asked for.
@MainActor func checkSpoiledState(in folder: String) {
    let spoil: @Sendable (inout CPUState) -> Void = { $0.special.tr.type = 9 }
    let rule = "TR has type 9"
    let (_, refusal) = run(.file("\(folder)/long-hello.elf")) { $0.adjustState = spoil }
    check("a spoiled state is refused in words", refusal.contains(rule), refusal)
    let (entered, answer) = run(.file("\(folder)/long-hello.elf")) {
        $0.adjustState = spoil
        $0.checksState = false
    }
    let isVTX = HostFacts.loadedModules.contains("kvm_intel")
    if isVTX, case .guestError(let error) = entered {
        check(
            "a spoiled state is refused by VT-x, and the rule is named",
            error.kind == .entryFailure(reason: 0x8000_0021) && error.description.contains(rule)
                && error.state.special.tr.type == 9, answer)
    } else {
        check("a spoiled state is entered where nothing checks it", !isVTX && entered == .halted, answer)
    }
}

if arguments.first == "--host" {
    checkHost(by: arguments[3])
    checkSpoiledState(in: arguments[2])
} else {
    checkGuests(in: arguments[1], by: arguments[2])
}
print("\(count - failures) passed, \(failures) failed")
exit(failures == 0 ? 0 : 1)
