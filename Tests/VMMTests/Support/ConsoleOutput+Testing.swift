@testable import VMM

extension ConsoleOutput {
    /// Writes byte by byte, as devices do.
    func write(_ bytes: [UInt8]) {
        for byte in bytes { write(byte) }
    }

    /// How much has been written or waits.
    var progress: Int { collected.count + pendingCount }
}
