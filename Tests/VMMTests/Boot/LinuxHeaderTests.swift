import DeviceModel
import Testing

@testable import VMM

/// Linux Documentation/arch/x86/boot.rst, `initrd_addr_max` and `cmdline_size`.
@Suite("What a bzImage's header says of its initial RAM disk and its command line")
struct LinuxHeaderTests {
    private static func plan(
        version: UInt16 = 0x020F, lastOfInitrd: UInt32 = 0x7FFF_FFFF, commandLineSize: UInt32 = 2047,
        initrd: UInt64? = nil, commandLine: String = "", memory: UInt64 = 1 << 30
    ) throws(VMMError) -> MachinePlan {
        var bytes = LoaderSeed.bzImage.bytes
        bytes.storeLittleEndian(version, at: 0x206)
        bytes.storeLittleEndian(lastOfInitrd, at: 0x22C)
        bytes.storeLittleEndian(commandLineSize, at: 0x238)
        var configuration = MachineConfiguration(image: .bytes(bytes))
        configuration.memorySize = memory
        configuration.commandLine = commandLine
        if initrd != nil { configuration.modules = [BootModule(.bytes([]))] }
        return try MachinePlan(
            configuration, image: ImageInspection(.bytes(bytes), memorySize: memory),
            modules: initrd.map { [$0] } ?? [],
            host: HostLimits(physicalAddressBits: 46, vcpuCount: 1))
    }

    private static func refusal(_ plan: () throws(VMMError) -> MachinePlan) -> String? {
        do throws(VMMError) {
            _ = try plan()
            return nil
        } catch {
            return error.description
        }
    }

    /// Where the initial RAM disk begins, and the command line.
    private static func told(_ plan: MachinePlan) -> (initrd: UInt64?, commandLine: String?) {
        let line = plan.boot.pieces.first { $0.name == "command line" }
        guard case .bytes(let text)? = line?.content else { return (nil, nil) }
        let initrd = plan.boot.pieces.first { if case .module = $0.content { true } else { false } }
        return (initrd?.address, String(decoding: text, as: UTF8.self))
    }

    @Test("a program in the form of a kernel is called by its name, and a kernel by its version's number is none")
    func setupProgram() throws {
        func image(_ name: String) -> ImageInspection? {
            var bytes = LoaderSeed.bzImage.bytes
            bytes.storeLittleEndian(UInt16(0x100), at: 0x20E)
            bytes.replaceSubrange(0x300..<0x300 + name.utf8.count, with: name.utf8)
            bytes[0x300 + name.utf8.count] = 0
            return try? ImageInspection(.bytes(bytes))
        }
        let refused = try #require(image("MEMDISK 6.04\u{1B}"))
        guard case .failure(let error) = refused.outcome else {
            Issue.record("it is taken for a kernel")
            return
        }
        #expect(error.description.contains("it calls itself \"MEMDISK 6.04\", and is no Linux kernel"))
        #expect((try? image("6.1.0-13-amd64")?.outcome.get()) != nil)
    }

    @Test(
        "fields that a version of the protocol has not yet are not read",
        arguments: [
            (0x0202, 0x3800_0000, 255), (0x0203, 0x2000_0000, 255), (0x0205, 0x2000_0000, 255),
            (0x0206, 0x2000_0000, 30), (0x020F, 0x2000_0000, 30),
        ] as [(UInt16, UInt64, Int)])
    func defaults(version: UInt16, initrdEnd: UInt64, limit: Int) throws {
        let plan = try Self.plan(
            version: version, lastOfInitrd: 0x1FFF_FFFF, commandLineSize: 30, initrd: 0x1000)
        #expect(Self.told(plan).initrd == initrdEnd - 0x1000)
        guard case .linux(let kernel) = plan.boot.protocol else { return }
        #expect(kernel.commandLineLimit == limit)
    }

    @Test(
        "a kernel that says that it takes no initial RAM disk is told none, and one that is given is refused for that")
    func noInitrd() throws {
        #expect(Self.told(try Self.plan(lastOfInitrd: 0)).initrd == nil)
        #expect(
            Self.refusal { () throws(VMMError) in try Self.plan(lastOfInitrd: 0, initrd: 1) }
                == "this kernel takes no initrd (initrd_addr_max in its header is 0); leave the initrd out")
    }

    @Test("more memory is advised only where it helps")
    func noRoom() throws {
        func refusal(_ last: UInt32, _ size: UInt64, _ memory: UInt64) -> String? {
            Self.refusal { () throws(VMMError) in try Self.plan(lastOfInitrd: last, initrd: size, memory: memory) }
        }
        #expect(
            refusal(0xF_FFFF, 1 << 20, 1 << 30)
                == "there is no room for the file of 1048576 bytes below 0x100000, where the kernel takes it (initrd_addr_max in its header); give a smaller one"
        )
        #expect(
            refusal(.max, 3 << 30, 8 << 30)
                == "there is no room for the file of 3221225472 bytes below 0xc0000000, where the kernel takes it; give a smaller one"
        )
        #expect(
            refusal(0x7FFF_FFFF, 1 << 30, 1 << 30)
                == "there is no room for the file of 1073741824 bytes beside the image; give the machine more memory")
        #expect(refusal(0x7FFF_FFFF, 1 << 30, 2 << 30) == nil)
    }

    @Test("a kernel that takes no command line gets none, and is refused only where a person gave one")
    func noCommandLine() throws {
        #expect(Self.told(try Self.plan(commandLineSize: 0)).commandLine == "")
        #expect(
            Self.refusal { () throws(VMMError) in try Self.plan(commandLineSize: 0, commandLine: "quiet") }
                == "this kernel takes no command line (cmdline_size in its header is 0); leave the command line out")
    }

    @Test("a command line that is too long is told with the kernel's own limit")
    func tooLong() throws {
        let line = "console=ttyS0 panic=-1 quiet"
        #expect(Self.told(try Self.plan(commandLineSize: 28, commandLine: "quiet")).commandLine == line)
        #expect(
            Self.refusal { () throws(VMMError) in try Self.plan(commandLineSize: 27, commandLine: "quiet") }
                == "the command line, with the words that are added to it, has 28 bytes, and this kernel takes 27 at most (cmdline_size in its header); make it shorter"
        )
    }
}
