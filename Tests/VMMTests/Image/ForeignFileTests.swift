import DeviceModel
import TestSupport
import Testing

@testable import VMM

@Suite("Files that are no guests")
struct ForeignFileTests {
    struct File: CustomTestStringConvertible, Sendable {
        let bytes: [UInt8]
        /// What the message has in it; nil for what may be a guest.
        let words: String?

        init(_ bytes: [UInt8], _ words: String?) { (self.bytes, self.words) = (bytes, words) }
        init(_ text: String, _ words: String?) { self.init(Array(text.utf8), words) }

        var testDescription: String { words ?? "a guest of \(bytes.count) bytes" }
    }

    /// So many bytes of code, with others at an offset.
    private static func at(_ offset: Int, _ text: String) -> [UInt8] {
        [UInt8](repeating: 0x90, count: offset) + Array(text.utf8)
    }

    /// A header of MZ that leads to one of PE, for a subsystem.
    private static func program(_ subsystem: UInt8) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x100)
        bytes.replaceSubrange(0..<2, with: Array("MZ".utf8))
        bytes[0x3C] = 0x80
        bytes.replaceSubrange(0x80..<0x82, with: Array("PE".utf8))
        bytes[0x80 + 0x5C] = subsystem
        return bytes
    }

    static let files: [File] = [
        File("#!/bin/sh\nexit\n", "it is a script"),
        File("Dear reader,\nthis is no guest.\n", "it is text"),
        File("Grüße an alle Gäste,\nund guten Tag.\n", "it is text"),
        File("one line without its end", "it is text"),
        File([UInt8](repeating: 0x41, count: 100_000), "it is text"),
        File([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0], "packed by xz"),
        File([0x28, 0xB5, 0x2F, 0xFD, 0], "packed by zstd"),
        File([0x04, 0x22, 0x4D, 0x18, 0], "packed by lz4"),
        File([0x1F, 0x8B, 8, 0, 0], "packed by gzip twice"),
        File("BZh91AY&SY", "packed by bzip2"),
        File([0x50, 0x4B, 3, 4, 0], "it is a zip archive"),
        File(at(257, "ustar"), "it is a tar archive"),
        File("070701000000", "give it by --initrd"),
        File("!<arch>\ndebian-binary", "a Debian package"),
        File([0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 3], "in QEMU's format (qcow2)"),
        File("KDMV", "in VMware's format"),
        File("vhdxfile", "in Hyper-V's format"),
        File(at(0x8001, "CD001"), "it is the image of a CD"),
        File(program(10), "it is an EFI application"),
        File(program(3), "it is a program for Windows"),
        File([0x4D, 0x5A, 0x90, 0, 3], "it is a program for DOS"),
        File([0xCF, 0xFA, 0xED, 0xFE, 7], "it is a program for macOS"),
        File([0, 0x61, 0x73, 0x6D, 1], "it is WebAssembly"),
        File([UInt8](repeating: 0, count: 512), "it begins with zeros"),
        File([0xFF, 0xFF, 0xFF, 0xFF], "it begins with ff ff, which is no instruction in real mode"),
        File([0x0F, 0xFF], "it begins with 0f ff, which is no instruction"),
        File([0xF4], nil),
        File([0, 0xC0, 0xF4], nil),
        File([0x0F, 0x0B], nil),
        File([0xEB, 0xFE], nil),
        File([0xEA, 0, 0x7C, 0, 0], nil),
        File("ABCDEFG", nil),
    ]

    @Test("each is refused by what it is, unless it is called flat", arguments: files)
    func refused(_ file: File) throws {
        let ram = [GuestMemory.Region(start: GuestAddress(0), size: 2 << 20)]
        let image = try ImageReader(.bytes(file.bytes))
        let found = try ImageInspection(image, name: "guest", format: nil, mode: nil, ram: ram)
        switch found.outcome {
        case .success: #expect(file.words == nil)
        case .failure(let error): #expect(file.words.map { error.description.contains($0) } ?? false, "\(error)")
        }
        let insisted = try ImageInspection(image, name: "guest", format: .flat, mode: nil, ram: ram)
        #expect((try? insisted.outcome.get()) != nil)
    }

    @Test("what is no instruction depends on the mode")
    func modes() {
        #expect(
            FirstInstruction.fault([0xEA, 0, 0, 0, 0], mode: .long)
                == "begins with ea 00, which is no instruction in long mode")
        #expect(FirstInstruction.fault([0x48, 0x31, 0xC0], mode: .long) == nil)
        #expect(
            FirstInstruction.fault([0x66, 0x0F, 0xFF], mode: .protected)
                == "begins with 66 0f ff, which is no instruction in protected mode")
        #expect(FirstInstruction.fault([0x66, 0x66], mode: .real) == nil)
        #expect(FirstInstruction.fault([], mode: .real) == nil)
    }

    @Test("bytes at random never trap")
    func random() throws {
        var random = SplitMix64(seed: 16)
        for _ in 0..<TestScale.count(200_000) {
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = ForeignFile(bytes, name: "guest")
            for mode in CPUMode.allCases { _ = FirstInstruction.fault(bytes, mode: mode) }
        }
    }
}
