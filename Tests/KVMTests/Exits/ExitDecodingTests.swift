import LinuxHost
import SystemPackage
import Testing

@testable import KVM

/// Offsets and numbers are those of `struct kvm_run` (Linux include/uapi/linux/kvm.h; api.rst section 5): the reason at 8,
/// the union at 32.
@Suite("Decoding of exits")
struct ExitDecodingTests {
    @Test(
        "a port write is told from a port read", arguments: [(direction: UInt8(0), false), (direction: UInt8(1), true)])
    func portExit(direction: UInt8, isWrite: Bool) throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(2), at: 8)
        fake.store(direction, at: 32)
        fake.store(UInt8(2), at: 33)
        fake.store(UInt16(0xBEEF), at: 34)
        fake.store(UInt32(3), at: 36)
        fake.store(UInt64(4096), at: 40)
        fake.store([1, 2, 3, 4, 5, 6, 7], at: 4096)
        let access = PortAccess(port: 0xBEEF, width: 2, count: 3)
        let exit = fake.page.exit
        #expect(exit == (isWrite ? .portWrite(access) : .portRead(access)))
        let data = fake.page.withPortData { data in
            var bytes: [UInt8] = []
            for index in data.indices { bytes.append(data[index]) }
            data[5] = 0xEE
            return bytes
        }
        #expect(data == [1, 2, 3, 4, 5, 6])
        #expect(fake.load(7, at: 4096) == [1, 2, 3, 4, 5, 0xEE, 7])
    }

    @Test(
        "port data that would reach beyond the page is not given",
        arguments: [
            (count: 1, offset: 3 * 4096), (count: 4097, offset: 2 * 4096), (count: .max, offset: 4096),
            (count: 1, offset: .max), (count: 3 * 4096 + 1, offset: 0),
        ] as [(count: UInt32, offset: UInt64)])
    func portDataOutsidePage(count: UInt32, offset: UInt64) throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(2), at: 8)
        fake.store(UInt8(1), at: 33)
        fake.store(count, at: 36)
        fake.store(offset, at: 40)
        let size = fake.page.withPortData { $0.count }
        #expect(size == 0)
    }

    @Test("port data may fill the page to its last byte")
    func portDataAtTheEnd() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(2), at: 8)
        fake.store(UInt8(4), at: 33)
        fake.store(UInt32(1024), at: 36)
        fake.store(UInt64(2 * 4096), at: 40)
        let size = fake.page.withPortData { $0.count }
        #expect(size == 4096)
    }

    @Test(
        "an MMIO write has the bytes that its width says, the rest 0",
        arguments: [(1, 0x11), (2, 0x2211), (4, 0x4433_2211), (8, 0x8877_6655_4433_2211)] as [(UInt32, UInt64)])
    func mmioWrite(width: UInt32, value: UInt64) throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(6), at: 8)
        fake.store(UInt64(0xD000_1234), at: 32)
        fake.store(UInt64(0x8877_6655_4433_2211), at: 40)
        fake.store(width, at: 48)
        fake.store(UInt8(1), at: 52)
        let exit = fake.page.exit
        #expect(exit == .mmioWrite(address: 0xD000_1234, width: UInt8(width), value: value))
    }

    @Test("a refused MSR access has the register's number, and a write its value; the answer is an error")
    func refusedMSR() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(29), at: 8)
        fake.store(UInt32(0xC000_0080), at: 44)
        fake.store(UInt64(0x8877_6655_4433_2211), at: 48)
        let read = fake.page.exit
        #expect(read == .msrRead(index: 0xC000_0080))
        fake.store(UInt32(30), at: 8)
        let write = fake.page.exit
        #expect(write == .msrWrite(index: 0xC000_0080, value: 0x8877_6655_4433_2211))
        #expect(fake.load(1, at: 32) == [0])
        fake.page.refuseMSR()
        #expect(fake.load(1, at: 32) == [1])
    }

    @Test("an MMIO read is answered in the bytes that follow its address")
    func mmioRead() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(6), at: 8)
        fake.store(UInt64(0xFFFF_FFFF_FFFF_F000), at: 32)
        fake.store(UInt32(4), at: 48)
        let exit = fake.page.exit
        #expect(exit == .mmioRead(address: 0xFFFF_FFFF_FFFF_F000, width: 4))
        fake.page.answerMMIORead(0x1122_3344_5566_7788)
        #expect(fake.load(8, at: 40) == [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11])
        #expect(fake.load(4, at: 48) == [4, 0, 0, 0])
    }

    @Test("a width that no access has is cut to 8, not trusted")
    func mmioWidth() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(6), at: 8)
        fake.store(UInt32(0xFFFF_FFFF), at: 48)
        let exit = fake.page.exit
        #expect(exit == .mmioRead(address: 0, width: 8))
    }

    @Test(
        "exits without data are known by their number",
        arguments: [
            (5, .halt), (7, .interruptWindowOpen), (8, .shutdown), (10, .interrupted), (16, .nonMaskableInterrupt),
        ] as [(UInt32, VCPUExit)])
    func plainExits(number: UInt32, expected: VCPUExit) throws {
        let fake = try FakeRunPage()
        fake.store(number, at: 8)
        let exit = fake.page.exit
        #expect(exit == expected)
    }

    @Test("the end of an interrupt tells its vector")
    func endOfInterrupt() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(26), at: 8)
        fake.store(UInt8(0xA5), at: 32)
        let exit = fake.page.exit
        #expect(exit == .endOfInterrupt(vector: 0xA5))
    }

    @Test("an exit that this library does not know keeps its number", arguments: [3, 13, 25, 35, 9_999, 0xFFFF_FFFF])
    func unknownExits(number: UInt32) throws {
        let fake = try FakeRunPage()
        fake.store(number, at: 8)
        let exit = fake.page.exit
        #expect(exit == .unknown(reason: number))
    }

    @Test("an exit that KVM does not know keeps the hardware's number")
    func unknownHardware() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(0), at: 8)
        fake.store(UInt64(0x1234_5678_9ABC_DEF0), at: 32)
        let exit = fake.page.exit
        #expect(exit == .unknownHardware(reason: 0x1234_5678_9ABC_DEF0))
    }

    @Test("a refused entry has the hardware's reason and the processor")
    func entryFailure() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(9), at: 8)
        fake.store(UInt64(0x8000_0021), at: 32)
        fake.store(UInt32(7), at: 40)
        let exit = fake.page.exit
        #expect(exit == .entryFailure(reason: 0x8000_0021, cpu: 7))
    }

    @Test("a system event has its type")
    func systemEvent() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(24), at: 8)
        fake.store(UInt32(2), at: 32)
        let exit = fake.page.exit
        #expect(exit == .systemEvent(type: 2))
    }

    @Test("a debug exit has its exception and address")
    func debugExit() throws {
        let fake = try FakeRunPage()
        fake.store(UInt32(4), at: 8)
        fake.store(UInt32(3), at: 32)
        fake.store(UInt64(0x7C00), at: 40)
        let exit = fake.page.exit
        #expect(exit == .debug(exception: 3, instructionAddress: 0x7C00))
    }

    @Test("a run page smaller than kvm_run is refused")
    func smallPage() throws {
        #expect(throws: KVMError.call("map a vCPU's run page of 1024 bytes", Errno(rawValue: 22))) {
            _ = try RunPage(descriptor: OwnedDescriptor(number: -1), size: 1024)
        }
    }
}
