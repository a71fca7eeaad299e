import DeviceModel
import TestSupport
import Testing

@testable import VMM

@Suite("Where flat images are loaded and entered")
struct FlatPlacementTests {
    private static let ram = [
        GuestMemory.Region(start: GuestAddress(0), size: 3 << 30),
        GuestMemory.Region(start: GuestAddress(4 << 30), size: 1 << 30),
    ]

    /// Of an image of so many bytes.
    private static func outcome(
        _ mode: CPUMode, _ load: ImagePlace?, _ entry: ImagePlace? = nil, size: Int = 16
    ) throws -> BootOutcome {
        let image = try ImageReader(.bytes([UInt8](repeating: 0x90, count: size)))
        return try ImageInspection(
            image, name: "guest", format: nil, mode: mode, placement: FlatPlacement(load: load, entry: entry), ram: ram
        ).outcome
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let mode: CPUMode
        let load: ImagePlace?
        let entry: ImagePlace?
        /// Of the image, guest-physical.
        let address: UInt64
        let boot: BootProtocol

        var testDescription: String { "\(mode), \(load.map(String.init) ?? "-"), \(entry.map(String.init) ?? "-")" }
    }

    static let rows = [
        Row(mode: .real, load: nil, entry: nil, address: 0x7C00, boot: .realMode(segment: 0, offset: 0x7C00)),
        Row(
            mode: .real, load: .address(0x400), entry: nil, address: 0x400,
            boot: .realMode(segment: 0, offset: 0x400)),
        Row(
            mode: .real, load: .segment(0x7C0, offset: 0), entry: nil, address: 0x7C00,
            boot: .realMode(segment: 0x7C0, offset: 0)),
        Row(
            mode: .real, load: .address(0x12345), entry: nil, address: 0x12345,
            boot: .realMode(segment: 0x1000, offset: 0x2345)),
        Row(
            mode: .real, load: .segment(0x1000, offset: 0x100), entry: .address(0x10102), address: 0x10100,
            boot: .realMode(segment: 0x1000, offset: 0x102)),
        Row(
            mode: .real, load: nil, entry: .segment(0x7C0, offset: 15), address: 0x7C00,
            boot: .realMode(segment: 0x7C0, offset: 15)),
        Row(
            mode: .real, load: .address(0x10_0000), entry: nil, address: 0x10_0000,
            boot: .realMode(segment: 0xFFFF, offset: 0x10)),
        Row(mode: .protected, load: nil, entry: nil, address: 0x10_0000, boot: .protectedMode(entry: 0x10_0000)),
        Row(
            mode: .protected, load: .address(0x1_0000), entry: .address(0x1_000F), address: 0x1_0000,
            boot: .protectedMode(entry: 0x1_000F)),
        Row(
            mode: .long, load: .address(0xBFFF_FFF0), entry: nil, address: 0xBFFF_FFF0,
            boot: .longMode(entry: 0xBFFF_FFF0)),
    ]

    @Test("an image is where it was asked for, and entered there or inside it", arguments: rows)
    func placed(row: Row) throws {
        let plan = try Self.outcome(row.mode, row.load, row.entry).get()
        #expect(plan.protocol == row.boot)
        #expect(plan.pieces.map(\.address) == [row.address])
        #expect(plan.entry == (row.entry ?? row.load)?.address ?? row.address)
    }

    @Test("what cannot be is refused, with what is there")
    func refused() throws {
        func message(_ mode: CPUMode, _ load: ImagePlace?, _ entry: ImagePlace? = nil, size: Int = 16) throws -> String
        {
            guard case .failure(.configuration(let text)) = try Self.outcome(mode, load, entry, size: size) else {
                return "none"
            }
            return text
        }
        #expect(try message(.long, .segment(0x7C0, offset: 0)).contains("are for real mode; give an address for long"))
        #expect(try message(.protected, nil, .segment(1, offset: 0)).contains("give an address for protected mode"))
        for place in [3 << 30, (4 << 30) - 1, 5 << 30, .max] as [UInt64] {
            #expect(
                try message(.long, .address(place)).contains(
                    "is outside RAM, which is 0x0-0xbfffffff and 0x100000000-0x13fffffff"))
        }
        #expect(
            try message(.real, .address(0x3FF)).contains("over the interrupt table at 0x0-0x3ff; load it elsewhere"))
        let stubs = ImagePlace.address(LowMemory.realModeStubs)
        #expect(try message(.real, stubs).contains("over the interrupt stubs at 0xf"))
        #expect(try message(.real, .address(0x1_0000), size: 0xE_F000).contains("over the interrupt stubs"))
        for mode in [CPUMode.protected, .long] {
            #expect(
                try message(mode, .address(0xFFFF)).contains("over the machine's own tables at 0x0-0xffff; load it"))
        }
        #expect(try message(.real, .address(0x20_0000)).contains("is above 0x10ffef, which is as far as real mode"))
        #expect(try message(.long, .address(4 << 30)).contains("is above 0xffffffff, which is as far as long mode"))
        for entry in [0, 0x7BFF, 0x7C10, .max] as [UInt64] {
            #expect(
                try message(.real, nil, .address(entry)).contains(
                    "is outside the image, which is at 0x7c00-0x7c0f; give one inside it"))
        }
    }

    @Test("an image may fill RAM from its place on, and not one byte more")
    func room() throws {
        let end: UInt64 = 3 << 30
        #expect(throws: Never.self) { _ = try Self.outcome(.long, .address(end - 16)).get() }
        #expect(throws: VMMError.image(name: "guest", .larger(size: 16, thanRoom: 15))) {
            _ = try Self.outcome(.long, .address(end - 15)).get()
        }
    }

    @Test("no place at random traps, and what is planned lies in RAM with its entry inside")
    func random() throws {
        var random = SplitMix64(seed: 4)
        func place() -> ImagePlace? {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: nil
            case 1:
                .segment(
                    UInt16.random(in: 0...0xFFFF, using: &random), offset: UInt16.random(in: 0...0xFFFF, using: &random)
                )
            default:
                .address(UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random))
            }
        }
        var planned = 0
        for _ in 0..<5_000 {
            let mode = CPUMode.allCases.randomElement(using: &random) ?? .real
            let load = place()
            let entry = Bool.random(using: &random) ? place() : load
            guard let plan = try? Self.outcome(mode, load, entry).get() else { continue }
            planned += 1
            let piece = try #require(plan.pieces.first)
            #expect(Self.ram.contains { $0.contains(GuestAddress(piece.address), count: 16) })
            #expect(plan.entry &- piece.address < 16)
        }
        #expect(planned > 500)
    }

    @Test("what is entered is looked at, not what is in front of it")
    func entered() throws {
        let bytes = [UInt8](repeating: 0, count: 32) + [0xF4]
        func outcome(_ entry: UInt64?) throws -> BootOutcome {
            try ImageInspection(
                .bytes(bytes), placement: FlatPlacement(entry: entry.map { .address($0) })
            ).outcome
        }
        #expect((try? outcome(0x7C20).get()) != nil)
        guard case .failure(let start) = try outcome(nil), case .failure(let inside) = try outcome(0x7C01) else {
            Issue.record("zeros are no code")
            return
        }
        #expect(start.description.contains("it begins with zeros"))
        #expect(inside.description.contains("what is entered begins with zeros"))
    }
}
