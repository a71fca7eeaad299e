import DeviceModel
import KVM

/// What a device does with one of its virtqueues.
protocol QueueTask: Sendable {
    /// Works until there is nothing more to do, or until it is told to give up.
    ///
    /// - Parameters:
    ///   - queue: the same as in the call before, unless ``reset()`` came between.
    ///   - shouldGiveUp: asked now and then, with how long nothing has gone on so far, in nanoseconds.
    /// - Throws: what the driver has done wrong. It is told of it.
    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless shouldGiveUp: (_ idle: Int64) -> Bool
    ) throws(VirtqueueError) -> QueueProgress

    /// The queue was taken away with all that belongs to it.
    mutating func reset()
}

/// How a ``QueueTask`` has come to an end for now.
enum QueueProgress: Equatable {
    /// It goes on when the driver rings.
    case waitsForDriver
    /// It goes on when there is something to read.
    case waitsForInput(Int32)
    case gaveUp
    case failed(SystemError)
}
