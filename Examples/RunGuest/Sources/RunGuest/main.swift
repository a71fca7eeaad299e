import VMM

// Runs a guest in a machine of its own and tells how it ended:
//     swift run --package-path Examples/RunGuest RunGuest guests/build/real-hello.bin
let output = ConsoleOutput()
var configuration = MachineConfiguration(image: .file(CommandLine.arguments[1]), output: output)
configuration.timeout = .seconds(10)

let finished = try VirtualMachine(configuration).run()
switch try finished.reason {
case .halted: print("The guest halted. It said: \(String(decoding: output.collected, as: UTF8.self))", terminator: "")
case .exited(let status): print("The guest ended with status \(status).")
case .reset(let cause): print("The guest reset the machine: \(cause).")
case .poweredOff: print("The guest powered the machine off.")
case .panicked: print("The guest's kernel panicked.")
case .sleeping: print("The guest sleeps, and nothing can wake it.")
case .exception(let exception): print("\(exception)\n\(exception.state)")
case .tripleFault(let fault): print("\(fault)\n\(fault.state)")
case .deadline: print("The guest took longer than ten seconds.")
case .signal(let number): print("Signal \(number) ended the run.")
case .stopped: print("The run was stopped.")
case .guestError(let error): print("The guest cannot go on: \(error)")
}
