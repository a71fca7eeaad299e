import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("A machine that is paused while a device hangs", .requiresKVM)
struct HangingDeviceTests {
    enum End: CaseIterable, Sendable { case stop, cancellation, deadline }

    /// A machine whose guest asks a device that does not come back before it may.
    private final class Hanging: Sendable {
        let control = MachineControl()
        private let hangs = Monitor(false)
        private let mayGoOn = Monitor(false)

        var deviceHangs: Bool { hangs.change { $0 } }
        func release() { mayGoOn.change { $0 = true } }

        func makeConfiguration() -> MachineConfiguration {
            let own = NotedDevice { [hangs, mayGoOn] _, _ in
                hangs.change { $0 = true }
                _ = mayGoOn.wait { $0 ? true : nil }
            }
            var configuration = MachineConfiguration(image: .file(Guests.path("long-virtio-rng.elf")))
            configuration.timeout = TestScale.patience
            configuration.control = control
            configuration.devices.append(
                .customVirtio(CustomVirtioConfiguration(name: "noise", deviceID: 4) { _ in own }))
            return configuration
        }
    }

    @Test("can be stopped, and ends its pauses, also one that comes after the end", arguments: End.allCases)
    func ends(by end: End) async throws {
        let hanging = Hanging()
        defer { hanging.release() }
        let control = hanging.control
        var configuration = hanging.makeConfiguration()
        // Whether or not the device hangs by then.
        if end == .deadline { configuration.timeout = .milliseconds(500) }
        let run = Task { [configuration] in try await VirtualMachine(configuration).run().reason }
        #expect(await eventuallyAsync { hanging.deviceHangs || end == .deadline })
        let pauses = Atomic(0)
        control.pause { pauses.add(1, ordering: .relaxed) }
        switch end {
        case .stop: control.stop()
        case .cancellation: run.cancel()
        case .deadline: break
        }
        try #require(await eventuallyAsync { control.state.isOver })
        #expect(try await run.value == (end == .deadline ? .deadline : .stopped))
        control.pause { pauses.add(1, ordering: .relaxed) }
        #expect(await eventuallyAsync { pauses.load(ordering: .relaxed) == 2 })
        await control.pause()
    }

    @Test("is not paused before the device has come back, and goes on at once when it is resumed")
    func resumed() async throws {
        let hanging = Hanging()
        defer { hanging.release() }
        let control = hanging.control
        let configuration = hanging.makeConfiguration()
        let run = Task { try await VirtualMachine(configuration).run().reason }
        #expect(await eventuallyAsync { hanging.deviceHangs })
        let pauses = Atomic(0)
        control.pause { pauses.add(1, ordering: .relaxed) }
        #expect(pauses.load(ordering: .relaxed) == 0)
        #expect(control.state == .running)
        control.resume()
        #expect(await eventuallyAsync { pauses.load(ordering: .relaxed) == 1 })
        control.pause { pauses.add(1, ordering: .relaxed) }
        hanging.release()
        #expect(await eventuallyAsync { pauses.load(ordering: .relaxed) == 2 })
        #expect(control.state == .paused)
        control.resume()
        control.stop()
        #expect(try await run.value == .stopped)
    }
}
