import Glibc
import GuestTable
import KVM
import VMM

// Runs every guest of the table through the library and says what differs, on hosts where the test suites cannot run:
//     guest-check GUESTS-FOLDER
// Its last line counts; its status is 0 when nothing differs.

let folder = CommandLine.arguments.dropFirst().first ?? "guests/build"
var failures = 0
var count = 0

@MainActor func check(_ name: String, _ isRight: Bool, _ found: String) {
    count += 1
    if !isRight { failures += 1 }
    print("\(isRight ? "ok    " : "FAILED") \(name)\(isRight ? "" : ": \(found)")")
}

/// Runs a guest with a deadline.
func run(_ image: ImageSource, _ adjust: (inout MachineConfiguration) -> Void) -> (reason: StopReason?, found: String) {
    let output = ConsoleOutput()
    var configuration = MachineConfiguration(image: image, output: output)
    configuration.timeout = .seconds(60)
    adjust(&configuration)
    do throws(VMMError) {
        var machine = try VirtualMachine(configuration)
        let reason = try machine.run()
        return (reason, "\(String(decoding: output.collected, as: UTF8.self))\(reason)")
    } catch {
        return (nil, "\(error)")
    }
}

for row in GuestRow.all {
    let (_, found) = run(.file("\(folder)/\(row.name)")) {
        $0.mode = row.mode
        $0.memorySize = row.memory
        $0.commandLine = row.commandLine
        $0.input = row.input.map { ConsoleInput($0) }
    }
    check(row.description, found == "\(row.output)\(row.reason)", found)
}

let (spin, spinFound) = run(.file("\(folder)/spin.bin")) { $0.timeout = .seconds(1) }
check("spin.bin, stopped by its deadline", spin == .deadline, spinFound)

let (fault, faultFound) = run(.file("\(folder)/triple-fault.bin")) { _ in }
if case .tripleFault = fault {
    check("triple-fault.bin", true, "")
} else {
    check("triple-fault.bin", false, faultFound)
}

// A task register that is not busy: refused in words, and by VT-x itself where the words are not asked for.
let spoil: @Sendable (inout CPUState) -> Void = { $0.special.tr.type = 9 }
let rule = "TR has type 9"
let (_, refusal) = run(.file("\(folder)/long-hello.elf")) { $0.adjustState = spoil }
check("a spoiled state is refused in words", refusal.contains(rule), refusal)
let (entered, answer) = run(.file("\(folder)/long-hello.elf")) {
    $0.adjustState = spoil
    $0.checksState = false
}
let isVTX = (try? HostTrials().report().backEnd) == .success(.vtx)
if isVTX, case .guestError(let error) = entered {
    check(
        "a spoiled state is refused by VT-x, and the rule is named",
        error.kind == .entryFailure(reason: 0x8000_0021) && error.description.contains(rule)
            && error.state.special.tr.type == 9, answer)
} else {
    check("a spoiled state is entered where nothing checks it", !isVTX && entered == .halted, answer)
}

print("\(count - failures) passed, \(failures) failed")
exit(failures == 0 ? 0 : 1)
