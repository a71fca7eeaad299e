import Glibc
import VMM

// Talks with a guest that asks for a name, the kernel of Examples/GuestTests:
//     Examples/GuestTests/build-kernel
//     swift run --package-path Examples/Embedding Dialogue Examples/GuestTests/kernel.elf Ada
let (kernel, name) = (CommandLine.arguments[1], CommandLine.arguments[2])
let stream = GuestStream()
let configuration = MachineConfiguration(image: .file(kernel), stream: stream)

// The guest runs on a thread of its own. Whoever waits for it keeps none.
let finished = Task { try await VirtualMachine(configuration).run() }
do {
    let question = try await stream.wait(for: "? ")
    print("The guest asks: \(question.split(separator: "\n").last ?? "")")
    let answer = try await stream.ask("\(name)\n", until: "!\n")
    print("It says: \(answer)", terminator: "")
} catch {
    print("The dialogue ended early, with: \(error.output)")
}
// The stream tells only that it is over. Why, the machine tells: also that there is none.
do {
    print("Then \(try await finished.value.reason).")
} catch {
    print(error)
    exit(1)
}
