import DeviceModel
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("Devices of a machine", .requiresKVM)
struct DeviceTests {
    @Test("a guest gets random bytes by virtio", arguments: [InterruptControllers.none, .split, .full], [true, false])
    func entropy(controllers: InterruptControllers, usesEvents: Bool) throws {
        let run = try GuestRun(guest: "long-virtio-rng.elf") {
            $0.interruptControllers = controllers
            $0.usesEventFDs = usesEvents
            $0.devices.append(.entropy(EntropyConfiguration()))
        }
        #expect(run.text == "virtio-rng: 65536 bytes, every byte value seen\n")
        #expect(run.reason == .exited(status: 0))
        #expect(run.report.devices.contains { $0.name == "rng0" && $0.fault == nil })
    }

    @Test("a second serial port prints to its own output, and receives", arguments: ["", "interrupts"])
    func secondSerialPort(commandLine: String) throws {
        let second = ConsoleOutput()
        let run = try GuestRun(guest: "long-com2.elf") {
            $0.commandLine = commandLine
            $0.interruptControllers = commandLine.isEmpty ? .none : .full
            $0.devices.append(
                .uart(UARTConfiguration(port: .com2, output: second, input: ConsoleInput(Array("there\n".utf8) + [4]))))
        }
        #expect(run.text == "COM1 speaks\n")
        #expect(String(decoding: second.collected, as: UTF8.self) == "COM2 speaks\nthere\n")
        #expect(run.reason == .exited(status: 0))
        #expect(run.report.consoleBytes["uart"] == 12)
        #expect(run.report.consoleBytes["uart2"] == 18)
    }

    @Test("both serial ports' output may wait in the kernel's ring, each for its own output")
    func ringOfTwo() throws {
        // movw $0x3F8, %dx; movb $'a', %al; outb; movw $0x2F8, %dx; movb $'b', %al; outb; loop; hlt
        let code: [UInt8] = [
            0xB9, 0xF4, 0x01, 0xBA, 0xF8, 0x03, 0xB0, 0x61, 0xEE, 0xBA, 0xF8, 0x02, 0xB0, 0x62, 0xEE, 0xE2, 0xF2, 0xF4,
        ]
        let (first, second) = (ConsoleOutput(), ConsoleOutput())
        let run = try GuestRun(code: code) {
            $0.setSerial { $0.output = first }
            $0.devices.append(.uart(UARTConfiguration(port: .com2, output: second)))
        }
        #expect(run.reason == .halted)
        #expect(first.collected == [UInt8](repeating: 0x61, count: 500))
        #expect(second.collected == [UInt8](repeating: 0x62, count: 500))
    }

    /// Gives back the last value that was written, counts what happens, and interrupts when it is told to.
    private final class Echo: BusDevice {
        let accesses = Mutex<[String]>([])
        private let last = Atomic<UInt64>(0)
        private let parts: CustomDeviceParts

        init(_ parts: CustomDeviceParts) {
            self.parts = parts
        }

        func read(offset: UInt64, width: Int) -> UInt64 {
            accesses.withLock { $0.append("read \(offset) \(width)") }
            return last.load(ordering: .relaxed)
        }

        func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
            accesses.withLock { $0.append("write \(offset) \(width) \(value)") }
            last.store(value, ordering: .relaxed)
            if offset == 1 { parts.interrupt?.setLevel(value != 0) }
            if offset == 2 { parts.events.signal(.exit(status: UInt8(truncatingIfNeeded: value))) }
            return .none
        }
    }

    @Test("an embedder's device at ports is written, read, and ends the run")
    func customPorts() throws {
        let made = Mutex<Echo?>(nil)
        // movw $0x900, %dx; movb $7, %al; outb; inb; movw $0x902, %dx; outb; hlt
        let code: [UInt8] = [0xBA, 0x00, 0x09, 0xB0, 0x07, 0xEE, 0xEC, 0xBA, 0x02, 0x09, 0xEE, 0xF4]
        let run = try GuestRun(code: code) {
            $0.devices.append(
                .custom(
                    CustomDeviceConfiguration(name: "echo", range: .ports(0x900..<0x904)) { parts in
                        let echo = Echo(parts)
                        made.withLock { $0 = echo }
                        return echo
                    }))
        }
        #expect(run.reason == .exited(status: 7))
        #expect(made.withLock { $0?.accesses.withLock { $0 } } == ["write 0 1 7", "read 0 1", "write 2 1 7"])
        #expect(run.report.devices.last?.name == "echo")
    }

    @Test("an embedder's device in memory is found there")
    func customMemory() throws {
        let made = Mutex<Echo?>(nil)
        // mov $0xC0000000, %eax; movl $0x12345678, (%eax); movl (%eax), %ebx; hlt, in protected mode
        let code: [UInt8] = [
            0xB8, 0x00, 0x00, 0x00, 0xC0, 0xC7, 0x00, 0x78, 0x56, 0x34, 0x12, 0x8B, 0x18, 0xF4,
        ]
        let run = try GuestRun(code: code) {
            $0.mode = .protected
            $0.devices.append(
                .custom(
                    CustomDeviceConfiguration(
                        name: "window", range: .memory(0xC000_0000..<0xC000_1000), wantsInterrupt: true
                    ) { parts in
                        let echo = Echo(parts)
                        made.withLock { $0 = echo }
                        return echo
                    }))
        }
        #expect(run.reason == .halted)
        #expect(made.withLock { $0?.accesses.withLock { $0 } } == ["write 0 4 305419896", "read 0 4"])
    }

    @Test("an embedder's interrupt wakes a guest that sleeps by hypercall")
    func customInterrupt() throws {
        let made = Mutex<CustomDeviceParts?>(nil)
        let code = Self.waitForEver
        let control = MachineControl()
        let waker = HostThread {
            _ = eventually { made.withLock { $0 != nil } }
            usleep(20_000)
            made.withLock { $0?.interrupt?.setLevel(true) }
        }
        let run = try GuestRun(code: code) {
            $0.control = control
            $0.devices.append(
                .custom(
                    CustomDeviceConfiguration(name: "bell", range: .ports(0x900..<0x904), wantsInterrupt: true) {
                        parts in
                        made.withLock { $0 = parts }
                        return Echo(parts)
                    }))
        }
        waker.join()
        // The answer's bit 1: a device interrupts.
        #expect(run.reason == .exited(status: 2))
    }

    /// A request block at 0x7D00 that waits as long as it takes; its answer is the status of the run.
    private static let waitForEver: [UInt8] = [
        0x66, 0xC7, 0x06, 0x00, 0x7D, 0x03, 0x00, 0x00, 0x00,  // movl $3, 0x7D00: wait
        0x66, 0xC7, 0x06, 0x10, 0x7D, 0xFF, 0xFF, 0xFF, 0xFF,  // movl $-1, 0x7D10
        0x66, 0xC7, 0x06, 0x14, 0x7D, 0xFF, 0xFF, 0xFF, 0xFF,  // movl $-1, 0x7D14
        0x66, 0xB8, 0x00, 0x7D, 0x00, 0x00,  // movl $0x7D00, %eax
        0xBA, 0x10, 0x05,  // movw $0x510, %dx
        0x66, 0xEF,  // outl %eax, %dx
        0xA0, 0x10, 0x7D,  // movb 0x7D10, %al
        0xBA, 0x00, 0x05, 0xEE,  // movw $0x500, %dx; outb %al, %dx
    ]

    @Test("what cannot be had is told in words")
    func refusals() {
        func words(_ devices: [DeviceConfiguration], _ controllers: InterruptControllers = .auto) -> String? {
            var configuration = MachineConfiguration(image: .bytes([0xF4]))
            configuration.interruptControllers = controllers
            configuration.devices += devices
            do throws(VMMError) {
                _ = try VirtualMachine(configuration)
                return nil
            } catch {
                return error.description
            }
        }
        func custom(_ name: String, _ range: IORange, _ wantsInterrupt: Bool = false) -> DeviceConfiguration {
            .custom(CustomDeviceConfiguration(name: name, range: range, wantsInterrupt: wantsInterrupt) { Echo($0) })
        }
        #expect(words([.uart(UARTConfiguration())])?.contains("two devices are called uart") == true)
        #expect(words([custom("x", .ports(0x3F0..<0x3F9))])?.contains("two devices cannot be at one place") == true)
        #expect(words([custom("x", .memory(0x1000..<0x2000))])?.contains("RAM") == true)
        #expect(words([custom("x", .ports(0x900..<0x900))])?.contains("empty range") == true)
        #expect(words([custom("debug", .ports(0x900..<0x901))])?.contains("two devices are called debug") == true)
        let disk = TemporaryFile([UInt8](repeating: 0, count: 512))
        let other = custom("disk0", .ports(0x900..<0x901))
        #expect(
            words([.disk(DiskConfiguration(path: disk.path)), other])?.contains("two devices are called disk0") == true)
        let many = (0..<14).map { custom("x\($0)", .ports(UInt16(0x900 + $0)..<UInt16(0x901 + $0)), true) }
        let overControllers: [(IORange, [InterruptControllers])] = [
            (.memory(0xFEC0_0FFF..<0xFEC0_2000), [.split, .full]),
            (.memory(0xFEE0_0000..<0xFEE0_0001), [.split, .full]),
            (.ports(0x1F..<0x21), [.full]), (.ports(0x43..<0x44), [.full]), (.ports(0x22..<0x24), []),
        ]
        for (range, refusing) in overControllers {
            for controllers in [InterruptControllers.none, .split, .full] {
                let isRefused = words([custom("x", range)], controllers)?.contains("the interrupt controllers") == true
                #expect(isRefused == refusing.contains(controllers), "\(range) \(controllers)")
            }
        }
        #expect(words(many)?.contains("no interrupt line left") == true)
        #expect(words(Array(many.dropLast())) == nil)
    }

    @Test("onThreadStart is called on each thread of the machine, before the guest's first instruction")
    func threadStart() throws {
        let seen = Mutex<[(ThreadRole, pthread_t)]>([])
        let first = ConsoleOutput()
        let run = try GuestRun(guest: "long-mix.elf") {
            $0.commandLine = "rounds=2 cpus=4"
            $0.vcpuCount = 4
            $0.setSerial { $0.output = first }
            $0.devices.append(.virtioConsole(VirtioConsoleConfiguration()))
            $0.onThreadStart = { role in
                seen.withLock { $0.append((role, pthread_self())) }
                #expect(first.pendingCount == 0 && first.collected == [])
            }
        }
        #expect(run.reason == .exited(status: 0))
        let roles = seen.withLock { $0.map(\.0) }
        #expect(roles.count == 5)
        for vcpu in 0..<4 { #expect(roles.contains(.vcpu(vcpu))) }
        #expect(roles.contains(.devices))
        #expect(Set(seen.withLock { $0.map { UInt($0.1) } }).count == 5)
    }
}
