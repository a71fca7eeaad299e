import Glibc
import TestSupport
import Testing

@testable import DeviceModel

/// The numbers stand here, in the guests' header and in the page that documents them; all must be the same.
@Suite("The hypercall doorbell's header and page")
struct HypercallHeaderTests {
    private static func text(_ path: String) throws -> String {
        // SAFETY: a C string for the length of the call; then room for what is asked for.
        let file = unsafe open("\(Checkout.root)/\(path)", O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The `#define` lines with a number, without the prefix.
    private static func numbers() throws -> [String: UInt64] {
        var numbers: [String: UInt64] = [:]
        for line in try text("guests/common/hypercall.h").split(separator: "\n")
        where line.hasPrefix("#define HYPERCALL_") {
            let words = line.dropFirst("#define HYPERCALL_".count).split(separator: " ")
            let digits = String(words[1])
            let value = digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits, radix: 10)
            numbers[String(words[0])] = value
        }
        return numbers
    }

    /// `badBuffer` is `BAD_BUFFER` there.
    private static func name(_ value: some Any) -> String {
        "\(value)".map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
    }

    @Test("the header has every number, and no other")
    func header() throws {
        var expected: [String: UInt64] = [
            "PORT": 0x510, "SIGNATURE": UInt64(HypercallDoorbell.signature), "VERSION": HypercallDoorbell.version,
            "LONGEST": HypercallDoorbell.longestTransfer, "REQUEST_SIZE": HypercallRequest.size, "OPERATION_OFFSET": 0,
            "STATUS_OFFSET": HypercallRequest.statusOffset, "ADDRESS_OFFSET": 8,
            "LENGTH_OFFSET": HypercallRequest.lengthOffset,
        ]
        for operation in HypercallOperation.allCases { expected[Self.name(operation)] = UInt64(operation.rawValue) }
        for status in HypercallStatus.allCases { expected[Self.name(status)] = UInt64(status.rawValue) }
        #expect(try Self.numbers() == expected)
    }

    @Test("the page names every operation by its number, and every status")
    func page() throws {
        let page = try Self.text("docs/hypercall.md")
        for operation in HypercallOperation.allCases {
            #expect(page.contains("| \(operation.rawValue) | \(operation)"), "\(operation)")
        }
        for status in HypercallStatus.allCases { #expect(page.contains("| \(status.rawValue) | "), "\(status)") }
        #expect(page.contains("0x314D5653"))
        #expect(page.contains("The version is \(HypercallDoorbell.version)."))
        #expect(page.contains("65,536 bytes"))
    }
}
