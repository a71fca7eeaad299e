import GuestTesting
import TestSupport

extension Guest {
    /// One of the guests of `guests/`, with a deadline that no busy machine passes.
    static func built(_ name: String) -> Guest {
        Guest(Guests.path(name)).deadline(TestScale.patience)
    }

    /// A few instructions in real mode.
    static func code(_ bytes: [UInt8]) -> Guest {
        Guest(.bytes(bytes)).deadline(TestScale.patience).configure { $0.format = .flat }
    }

    /// Prints a text by the debug console, and ends with a status by port 0x500.
    static func printing(_ text: String, exit status: UInt8 = 0) -> Guest {
        // movb $byte, %al; outb %al, $0xe9 for each; movb $status, %al; movw $0x500, %dx; outb %al, %dx
        code(text.utf8.flatMap { [0xB0, $0, 0xE6, 0xE9] } + [0xB0, status, 0xBA, 0x00, 0x05, 0xEE])
    }
}

/// What a failed expectation says; nil where it did not fail.
func failure(_ body: () async throws -> some Any) async -> GuestFailure? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? GuestFailure
    }
}
