import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("A virtio device of an embedder's own, with a guest", .requiresKVM)
struct CustomVirtioGuestTests {
    @Test(
        "an embedder's own entropy device serves a guest's driver",
        arguments: [InterruptControllers.none, .split, .full],
        [true, false])
    func entropy(controllers: InterruptControllers, usesEvents: Bool) throws {
        let own = NotedDevice { _, request in
            request.complete(with: (0..<min(request.room, 4096)).map { _ in .random(in: 0...255) })
        }
        let run = try GuestRun(guest: "long-virtio-rng.elf") {
            $0.interruptControllers = controllers
            $0.usesEventFDs = usesEvents
            $0.devices.append(.customVirtio(CustomVirtioConfiguration(name: "noise", deviceID: 4) { _ in own }))
        }
        #expect(run.text == "virtio-rng: 65536 bytes, every byte value seen\n")
        #expect(run.reason == .exited(status: 0))
        let report = run.report.devices.first { $0.name == "noise" }
        #expect(report?.fault == nil)
        #expect(report?.requests == UInt64(own.calls.count { $0.hasPrefix("request") }))
        #expect(own.calls.first == "ready 0")
        #expect(own.calls.last == "ended")
    }

    /// A console: what its guest sends is kept, and what it is to receive comes later.
    private final class OwnConsole: CustomVirtioDevice {
        let received = Monitor<[VirtioRequest]>([])
        let sent = Mutex<[UInt8]>([])

        func handle(_ request: VirtioRequest) {
            if request.queue == 0 {
                received.change { $0.append(request) }
            } else {
                sent.withLock { $0 += request.bytes }
                request.complete()
            }
        }

        func queueStopped(_ queue: Int) { if queue == 0 { received.change { $0 = [] } } }

        /// Gives the guest bytes as soon as it has room.
        func send(_ bytes: [UInt8]) {
            let request = received.wait { $0.isEmpty ? nil : $0.removeFirst() }
            request?.complete(with: bytes)
        }
    }

    @Test(
        "a guest sends what it receives of several threads, while the machine is paused again and again",
        arguments: [InterruptControllers.none, .full])
    func console(controllers: InterruptControllers) throws {
        let own = OwnConsole()
        let control = MachineControl()
        let isOver = Atomic<Bool>(false)
        let count = TestScale.count(200)
        let senders = (0..<4).map { index in
            HostThread { for _ in 0..<count { own.send([UInt8(ascii: "a") &+ UInt8(index)]) } }
        }
        let pauser = HostThread {
            var random = SplitMix64(seed: 16)
            while !isOver.load(ordering: .relaxed) {
                usleep(UInt32.random(in: 0...2_000, using: &random))
                control.pause()
                let before = own.sent.withLock { $0 }
                usleep(UInt32.random(in: 0...500, using: &random))
                #expect(own.sent.withLock { $0 } == before)
                control.resume()
            }
        }
        let ender = HostThread {
            _ = eventually { own.sent.withLock { $0.count } == 4 * count }
            own.send([4])
        }
        let run = try GuestRun(guest: "long-virtio-echo.elf") {
            $0.control = control
            $0.interruptControllers = controllers
            $0.devices.append(
                .customVirtio(CustomVirtioConfiguration(name: "talk", deviceID: 3, queueCount: 2) { _ in own }))
        }
        isOver.store(true, ordering: .relaxed)
        for thread in senders + [pauser, ender] { thread.join() }
        #expect(run.reason == .exited(status: 0))
        let sent = own.sent.withLock { $0 }
        for index in 0..<4 { #expect(sent.count { $0 == UInt8(ascii: "a") &+ UInt8(index) } == count) }
        #expect(sent.count == 4 * count)
    }

    @Test("a run that is stopped ends although its device keeps requests, and although a call hangs")
    func stop() throws {
        let mayGoOn = Monitor(false)
        let control = MachineControl()
        let own = NotedDevice { device, request in
            device.keep(request)
            control.stop()
            _ = mayGoOn.wait { $0 ? true : nil }
        }
        let run = try GuestRun(guest: "long-virtio-rng.elf") {
            $0.control = control
            $0.devices.append(.customVirtio(CustomVirtioConfiguration(name: "noise", deviceID: 4) { _ in own }))
        }
        #expect(run.reason == .stopped)
        #expect(own.calls.last == "ended")
        mayGoOn.change { $0 = true }
        for request in own.takeKept() { #expect(!request.complete(with: [1])) }
    }

    @Test("names that devices share, and ranges without a name, are refused")
    func names() {
        func words(_ devices: [DeviceConfiguration]) -> String? {
            var configuration = MachineConfiguration(image: .bytes([0xF4]))
            configuration.devices += devices
            do throws(VMMError) {
                _ = try VirtualMachine(configuration)
                return nil
            } catch {
                return error.description
            }
        }
        func own(_ name: String) -> DeviceConfiguration {
            .customVirtio(CustomVirtioConfiguration(name: name, deviceID: 9) { _ in NotedDevice() })
        }
        #expect(words([own("a"), own("a")])?.contains("two devices are called a") == true)
        #expect(words([own("uart")])?.contains("two devices are called uart") == true)
        #expect(words([own("")])?.contains("empty name") == true)
        #expect(words([own("a"), own("b")]) == nil)
    }
}
