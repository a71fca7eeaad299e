/// What a write to a register asks for beyond the registers.
package enum VirtioMMIOAction: Hashable, Sendable {
    case none
    /// The acknowledge left events behind: a line that takes edges must rise again.
    case interruptAgain
    /// There may be new chains in a queue that is at work.
    case notify(queue: Int)
    /// The driver has just made the queue ready. Check its layout, and start it if the device is active.
    case makeReady(queue: Int)
    /// Stop the queue if the device is active, then ``VirtioMMIORegisters/finishStop(queue:)``.
    case stop(queue: Int)
    /// The device has just become active. Start all queues that are ready.
    case activate
    /// Stop everything, then ``VirtioMMIORegisters/reset()``.
    case reset
}
