import LinuxHost
import Synchronization
import TestSupport

@testable import VMM

/// Runs `body` on a thread of its own, and waits for it without one.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        do {
            _ = try SystemThread { continuation.resume(with: Result { try body() }) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Waits until the condition holds, without a thread.
func eventuallyAsync(_ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + TestScale.patience
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        try? await Task.sleep(for: .microseconds(200))
    }
    return true
}

/// Compares a stream with what it should be.
struct PayloadCheck {
    private static let payload = BenchPayload()
    private(set) var count = 0
    /// How many are right before the first wrong one.
    private(set) var right = 0

    mutating func take(_ chunk: [UInt8]) {
        var rest = chunk[...]
        while !rest.isEmpty {
            let part = rest.prefix(BenchPayload.largestPart)
            let isRight = Self.payload.part(from: count, count: part.count).elementsEqual(part)
            if right == count, isRight { right += part.count }
            count += part.count
            rest = rest.dropFirst(part.count)
        }
    }
}
