import TestSupport
import Testing

@testable import VMM

@Suite("What belongs to one machine")
struct ClaimTests {
    enum Kind: String, CaseIterable, Sendable {
        case control, stream, input
        case memory = "shared memory"
    }

    /// Gives `configuration` an object of a kind.
    private static func makeGiver(of kind: Kind) -> (inout MachineConfiguration) -> Void {
        let (control, stream, input) = (MachineControl(), GuestStream(), ConsoleInput([1]))
        let memory = SharedMemory(address: 0x100000, byteCount: 4096)
        return { configuration in
            switch kind {
            case .control: configuration.control = control
            case .stream: configuration.devices[0] = .uart(UARTConfiguration(port: .com1, stream: stream))
            case .input: configuration.input = input
            case .memory: configuration.sharedMemory = [memory]
            }
        }
    }

    private static func makeConfiguration() -> MachineConfiguration {
        var configuration = MachineConfiguration(image: .bytes([0xF4]))
        configuration.timeout = TestScale.patience
        return configuration
    }

    @Test("is refused in words by a second one", .requiresKVM, arguments: Kind.allCases, [true, false])
    func second(of kind: Kind, isFirstGone: Bool) throws {
        let give = Self.makeGiver(of: kind)
        var configuration = Self.makeConfiguration()
        give(&configuration)
        let refusal: VMMError?
        if isFirstGone {
            _ = try VirtualMachine(configuration).run()
            refusal = configuration.refusal
        } else {
            let machine = try VirtualMachine(configuration)
            refusal = configuration.refusal
            let finished = machine.run()
            #expect(try finished.reason == .halted)
        }
        let words = "the \(kind.rawValue) has had a machine already; make a new one for each"
        #expect(refusal == .configuration(words))
    }

    @Test("is refused, too, where the first machine made it", .requiresKVM)
    func madeControl() throws {
        var configuration = Self.makeConfiguration()
        let machine = try VirtualMachine(configuration)
        configuration.control = machine.control
        #expect(configuration.refusal?.description.hasPrefix("the control has had a machine already") == true)
        #expect(try machine.run().reason == .halted)
    }

    @Test("goes on with the first machine when a second is refused, and what was new is over", .requiresKVM)
    func goesOn() async throws {
        let (control, stream, other) = (MachineControl(), GuestStream(), GuestStream())
        var configuration = MachineConfiguration(image: .file(Guests.path("real-hello.bin")), stream: stream)
        configuration.timeout = TestScale.patience
        configuration.control = control
        let machine = try await VirtualMachine(configuration)
        configuration.devices.append(.uart(UARTConfiguration(port: .com2, stream: other)))
        #expect(configuration.refusal != nil)
        #expect(control.state == .ready)
        #expect(await other.chunks.reduce(into: []) { $0 += $1 } == [])
        let finished = await machine.run()
        #expect(control.state == .ended(try finished.reason))
        #expect(await stream.chunks.reduce(into: []) { $0 += $1 }.isEmpty == false)
    }

    @Test("an input belongs to one device, and the fault names both")
    func inputs() {
        func faults(_ change: (inout MachineConfiguration) -> Void) -> [String] {
            var configuration = Self.makeConfiguration()
            change(&configuration)
            do throws(ConfigurationFaults) {
                try configuration.validate()
                return []
            } catch {
                return error.faults.map(\.description)
            }
        }
        let (stream, input) = (GuestStream(), ConsoleInput([1]))
        let words = "the input of uart2 is another device's already; give each one of its own, or none"
        #expect(
            faults {
                $0.devices = [
                    .uart(UARTConfiguration(stream: stream)), .uart(UARTConfiguration(port: .com2, stream: stream)),
                ]
            } == ["devices[1]: \(words)"])
        #expect(
            faults {
                $0.input = input
                $0.devices.append(.uart(UARTConfiguration(port: .com2, input: input)))
            } == ["devices[1]: \(words)"])
        let ports = ["a", "b"].map { VirtioPortConfiguration(name: $0, input: input) }
        #expect(faults { $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(ports: ports))) }.count == 1)
        // A serial port is given the machine's input in its place.
        #expect(
            faults {
                $0.input = input
                $0.devices[0] = .uart(UARTConfiguration(input: input))
            } == [])
    }
}
