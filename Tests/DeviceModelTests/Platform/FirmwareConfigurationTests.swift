import TestSupport
import Testing
import VirtioDriver

@testable import DeviceModel

/// QEMU's docs/specs/fw_cfg, beside the hypercall doorbell.
@Suite("The firmware configuration device")
struct FirmwareConfigurationTests {
    private let output = ByteRecorder()
    private let doorbell: HypercallDoorbell
    private let ports: FirmwareConfiguration

    init() throws {
        let memory = try HostPages.makeMemory([(start: 0, size: 0x1000)])
        doorbell = HypercallDoorbell(memory: memory, output: output, input: nil, events: MachineEventLatch())
        ports = FirmwareConfiguration(ramSize: 0x1_2345_6000, cpuCount: 3, doorbell: doorbell)
    }

    private func read(_ key: UInt64, _ count: Int) -> [UInt64] {
        ports.write(offset: 0, width: 2, value: key)
        return (0..<count).map { _ in ports.read(offset: 1, width: 1) }
    }

    @Test("each item can be read, from its start whenever it is chosen, and is followed by zeros")
    func items() {
        for _ in 0..<2 {
            #expect(read(0x00, 6) == Array("QEMU".utf8).map(UInt64.init) + [0, 0])
            #expect(read(0x01, 6) == [1, 0, 0, 0, 0, 0])
            #expect(read(0x03, 9) == [0x00, 0x60, 0x45, 0x23, 0x01, 0, 0, 0, 0])
            #expect(read(0x05, 3) == [3, 0, 0])
            #expect(read(0x0F, 3) == [3, 0, 0])
            #expect(read(0x19, 5) == [0, 0, 0, 0, 0])
            #expect(read(0x00, 1) == [0x51])
        }
    }

    @Test("the signature is what is chosen at first, and it goes on where it was left")
    func first() {
        #expect((0..<4).map { _ in ports.read(offset: 1, width: 1) } == Array("QEMU".utf8).map(UInt64.init))
    }

    @Test("an item that there is not is zeros, and asking for one to be written chooses it all the same")
    func otherKeys() {
        for key in [0x02, 0x20, 0x3FFF, 0x8000, 0xFFFF] as [UInt64] { #expect(read(key, 3) == [0, 0, 0]) }
        #expect(read(0x4000, 1) == [0x51])
        ports.write(offset: 1, width: 1, value: 0xAA)
        #expect(ports.read(offset: 1, width: 1) == 0x45)
    }

    @Test("the doorbell has all accesses but those of 16 bits to choose and of 8 to read")
    func besideTheDoorbell() {
        #expect(ports.read(offset: 0, width: 4) == UInt64(HypercallDoorbell.signature))
        for (offset, width) in [(0, 1), (0, 2), (1, 2), (1, 3), (2, 1), (2, 2), (0, 8)] as [(UInt64, Int)] {
            #expect(ports.read(offset: offset, width: width) == .max)
        }
        ports.write(offset: 0, width: 4, value: 0x1000)
        #expect(doorbell.lostRequestCount == 1)
        for (offset, width) in [(0, 1), (0, 2), (1, 1), (1, 2), (2, 2)] as [(UInt64, Int)] {
            ports.write(offset: offset, width: width, value: 0x1000)
        }
        #expect(doorbell.lostRequestCount == 1)
    }

    @Test("100,000 random choices and reads match another description", arguments: 1...3 as ClosedRange<UInt64>)
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var registers = FirmwareConfigurationRegisters(ramSize: 0x8899_AABB_CCDD_EEFF, cpuCount: 0x1234)
        let items: [UInt16: [UInt8]] = [
            0: [0x51, 0x45, 0x4D, 0x55], 1: [1], 3: [0xFF, 0xEE, 0xDD, 0xCC, 0xBB, 0xAA, 0x99, 0x88], 5: [0x34, 0x12],
            15: [0x34, 0x12],
        ]
        var (key, offset): (UInt16, Int) = (0, 0)
        for step in 0..<100_000 {
            if UInt8.random(in: 0...7, using: &random) == 0 {
                key = UInt16(truncatingIfNeeded: random.next())
                if Bool.random(using: &random) { key &= 0x401F }
                offset = 0
                registers.select(key)
            }
            let item = items[key & 0xBFFF] ?? []
            let expected = offset < item.count ? item[offset] : 0
            offset += 1
            guard registers.takeByte() == expected else {
                Issue.record("seed \(seed), step \(step): byte \(offset - 1) of \(key)")
                return
            }
        }
    }
}
