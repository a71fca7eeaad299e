import Foundation

/// Ends XCTest's waits now and then, as XCTest itself means to: it waits for a test in pieces of 0.1 s, because a test that ends just before
/// a piece begins ends none. On a host whose clock has a coarse resolution Foundation makes days of them: it takes clock_getres(2) for the
/// length of the clock's unit (Swift 6.3). The emulated AMD-V host is one (`highres=off`), and stood still in every second run.
enum WakingWait {
    /// In microseconds.
    private static let interval: UInt32 = 100_000

    /// For the rest of the process.
    static let begin: Void = Thread.detachNewThread {
        while true {
            usleep(interval)
            // A wait that is not over goes on with its next piece.
            RunLoop.main._stop()
        }
    }
}
