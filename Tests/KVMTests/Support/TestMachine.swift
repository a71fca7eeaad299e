import KVM
import LinuxHost
import TestSupport

/// A machine with RAM from 0 on, 32 KiB unless told otherwise, and one vCPU that begins in real mode at 0000:1000.
///
/// Nothing may hang: the thread that makes it is kicked when the tests' patience is over, so that a run which never ended comes back
/// as interrupted, and ``isOverdue`` then tells that nothing else has ended it.
struct TestMachine: ~Copyable {
    static let codeAddress = 0x1000

    let memory: HostMemory
    var vcpu: KVMVCPU
    private let machine: KVMVirtualMachine
    private let watchdog: KickTimer
    /// When the watchdog begins to kick.
    let watchdogTime: ContinuousClock.Instant

    init(_ code: [UInt8], memorySize: Int = 0x8000) throws {
        let system = try KVMSystem()
        let machine = try system.makeVirtualMachine()
        let memory = try HostMemory(size: memorySize)
        try machine.map(memory, size: memorySize, slot: 0, at: 0)
        let vcpu = try machine.makeVCPU(id: 0)
        let watchdog = try KickTimer()
        let watchdogTime = ContinuousClock.now + TestScale.patience
        try watchdog.arm(after: Int64(TestScale.patience / .nanoseconds(1)), every: 1_000_000_000)
        memory.store(code, at: Self.codeAddress)
        try vcpu.enterRealMode(at: UInt64(Self.codeAddress))
        self.memory = memory
        self.machine = machine
        self.vcpu = vcpu
        self.watchdog = watchdog
        self.watchdogTime = watchdogTime
    }

    /// Whether the watchdog may have kicked by now.
    var isOverdue: Bool { ContinuousClock.now >= watchdogTime }

    func map(
        _ memory: HostMemory, offset: Int, size: Int, slot: UInt32, at guestAddress: UInt64
    ) throws {
        try machine.map(memory, offset: offset, size: size, slot: slot, at: guestAddress)
    }

    var ioeventfds: KVMIOEventFDs { machine.ioeventfds }

    /// Lets the guest use 64-bit code from where it begins, with the first GiB mapped to itself.
    mutating func enterLongMode() throws {
        // Present and writable; the third level maps pages of 2 MiB (Intel SDM vol. 3A section 4.5).
        memory.store(words: [0x3003], at: 0x2000)
        memory.store(words: [0x4003], at: 0x3000)
        memory.store(words: (0..<512).map { $0 << 21 | 0x83 }, at: 0x4000)
        try vcpu.setCPUID(try KVMSystem().supportedCPUID())
        var special = try vcpu.specialRegisters()
        special.cs = .flat(type: 11)
        special.cs.isLong = true
        special.setData(.flat(type: 3))
        special.cr0 = [.protectionEnable, .extensionType, .numericError, .paging]
        special.cr3 = 0x2000
        special.cr4 = [.physicalAddressExtension]
        special.efer = [.longModeEnable, .longModeActive]
        try vcpu.setSpecialRegisters(special)
    }

    /// Lets the guest use 32-bit code from where it begins, with flat segments and no interrupt descriptor.
    mutating func enterProtectedMode() throws {
        var special = try vcpu.specialRegisters()
        special.cs = .flat(type: 11)
        special.cs.is32Bit = true
        special.setData(.flat(type: 3))
        special.cr0 = [.protectionEnable, .extensionType, .numericError]
        special.idt = DescriptorTable(base: 0, limit: 0)
        try vcpu.setSpecialRegisters(special)
    }
}

extension KVMVCPU {
    /// A processor starts high in memory after reset; this one does where the test's code is.
    func enterRealMode(at address: UInt64) throws {
        var special = try specialRegisters()
        special.cs.base = 0
        special.cs.selector = 0
        try setSpecialRegisters(special)
        var registers = GeneralRegisters()
        registers.rip = address
        registers.rsp = 0x1000
        try setRegisters(registers)
    }

    /// The next exit that is no interruption: a kick for an earlier test on this thread may still be on its way. Of the
    /// watchdog's kicks it takes no more than two either.
    mutating func nextExit() throws -> VCPUExit {
        var exit = try run()
        for _ in 0..<2 where exit == .interrupted { exit = try run() }
        return exit
    }

    /// The data of a port write.
    mutating func portBytes() -> [UInt8] {
        withPortData { data in
            var bytes: [UInt8] = []
            for index in data.indices { bytes.append(data[index]) }
            return bytes
        }
    }

    /// Answers a port read, as far as there is room.
    mutating func answerPort(_ bytes: [UInt8]) {
        withPortData { data in
            for (index, byte) in zip(data.indices, bytes) { data[index] = byte }
        }
    }
}

extension SpecialRegisters {
    fileprivate mutating func setData(_ segment: Segment) {
        var segment = segment
        segment.is32Bit = true
        (ds, es, fs, gs, ss) = (segment, segment, segment, segment, segment)
    }
}

extension Segment {
    fileprivate static func flat(type: UInt8) -> Segment {
        var segment = Segment()
        segment.limit = 0xFFFF_FFFF
        segment.type = type
        segment.isPresent = true
        segment.isCodeOrData = true
        segment.hasPageGranularity = true
        return segment
    }
}
