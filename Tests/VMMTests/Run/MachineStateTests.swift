import Glibc
import TestSupport
import Testing
import VMM

@Suite("A machine's states, for who follows them")
struct MachineStateTests {
    private static func configuration(_ control: MachineControl) -> MachineConfiguration {
        var configuration = MachineConfiguration(image: .file(Guests.path("spin.bin")))
        configuration.timeout = TestScale.patience
        configuration.control = control
        return configuration
    }

    @Test("come one after the other, to the end of the run", .requiresKVM)
    func life() async throws {
        let control = MachineControl()
        #expect(control.state == .ready)
        let run = Task { try await VirtualMachine(Self.configuration(control)).run().reason }
        var states: [MachineState] = []
        for await state in control.states {
            states.append(state)
            switch state {
            case .ready, .ended, .failed: break
            case .running where states.contains(.paused): control.stop()
            case .running: await control.pause()
            case .paused: control.resume()
            }
        }
        #expect(Array(states.drop { $0 == .ready }) == [.running, .paused, .running, .ended(.stopped)])
        #expect(control.state == .ended(.stopped))
        #expect(try await run.value == .stopped)
        #expect(await control.states.reduce(into: []) { $0.append($1) } == [.ended(.stopped)])
    }

    @Test("a run that begins paused is never seen running before it is resumed", .requiresKVM)
    func beginsPaused() async throws {
        let control = MachineControl()
        await control.pause()
        #expect(control.state == .paused)
        let run = Task { try await VirtualMachine(Self.configuration(control)).run().reason }
        control.stop()
        #expect(try await run.value == .stopped)
        #expect(control.state == .ended(.stopped))
    }

    @Test("end with the error where the machine cannot be made", .requiresKVM)
    func notMade() async throws {
        let control = MachineControl()
        let states = control.states
        var configuration = Self.configuration(control)
        configuration.vcpuCount = 0
        let error = try #require(configuration.refusal)
        let seen = await states.reduce(into: []) { $0.append($1) }
        #expect(seen == [.ready, .failed(error)])
    }

    /// In a process of its own, whose descriptors are few.
    @Test("end with the error also where making the machine fails late", .requiresKVM)
    func failsLate() async {
        await #expect(processExitsWith: .success) {
            alarm(600)
            let control = MachineControl()
            let states = control.states
            var configuration = MachineConfiguration(image: .file(Guests.path("spin.bin")))
            configuration.control = control
            configuration.vcpuCount = 200
            // Enough for all but the last vCPUs.
            var limit = rlimit(rlim_cur: 120, rlim_max: 120)
            guard unsafe setrlimit(__rlimit_resource_t(7), &limit) == 0 else { exit(2) }
            guard let error = configuration.refusal, case .kvm = error else { exit(3) }
            let seen = await states.reduce(into: []) { $0.append($1) }
            exit(seen == [.ready, .failed(error)] ? EXIT_SUCCESS : 4)
        }
    }

    /// In a process of its own, which gets no timer.
    @Test("and a stream end where the run fails before the guest begins", .requiresKVM)
    func failsBeforeStart() async {
        await #expect(processExitsWith: .success) {
            alarm(600)
            let stream = GuestStream()
            let control = MachineControl()
            var configuration = MachineConfiguration(image: .bytes([0xF4]), stream: stream)
            configuration.control = control
            let machine = try await VirtualMachine(configuration)
            // RLIMIT_SIGPENDING
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            guard unsafe setrlimit(__rlimit_resource_t(11), &limit) == 0 else { exit(2) }
            let finished = await machine.run()
            guard case .host(let error)? = finished.failure, control.state == .failed(.host(error)) else { exit(3) }
            for await _ in stream.lines { exit(4) }
            exit(EXIT_SUCCESS)
        }
    }

    @Test("end where a machine is given up without a run", .requiresKVM)
    func givenUp() async throws {
        let control = MachineControl()
        let states = control.states
        _ = try await VirtualMachine(Self.configuration(control))
        #expect(await states.reduce(into: []) { $0.append($1) } == [.ready, .ended(.stopped)])
    }

    @Test("end where nobody has the control any more")
    func withoutMachine() async {
        let states = MachineControl().states
        #expect(await states.reduce(into: []) { $0.append($1) } == [.ready])
    }
}
