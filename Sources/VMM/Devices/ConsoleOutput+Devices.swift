import Glibc
import LinuxHost
import Synchronization
import SystemPackage

/// How a device's thread passes guest memory on, without waiting.
extension ConsoleOutput {
    /// Prepares for ``pass(_:for:losing:isHolder:unless:wake:)``.
    ///
    /// - Parameter loops: gives the loop that a stream belongs on.
    /// - Returns: the loop on which it is to be called.
    func attach(_ loops: (Stream?) throws(HostError) -> EventLoop) throws(HostError) -> EventLoop {
        guard case .descriptor(let descriptor, _) = target else { return try loops(nil) }
        if let old = self.stream.withLock({ $0 }) { return old.loop }
        let stream = Stream(descriptor, for: .writing)
        let loop = try loops(stream)
        let watch = try loop.watch(output: stream.number) { [weak self] in
            self?.state.withLock { $0.onRoom.take() }?()
        }
        self.stream.withLock { $0 = (stream, watch, loop) }
        return loop
    }

    /// The machine has ended. What was opened anew is closed: else its reader would wait for more.
    func detach() {
        if let old = stream.withLock({ $0.take() }) { old.loop.unwatch(old.stream.number) }
    }

    /// Writes guest memory, behind all that was written before, and as it is then: where it goes to a descriptor, it is not copied.
    ///
    /// - Parameters:
    ///   - bytes: without those that were written or lost when this returns.
    ///   - caller: who is woken; asking again is the same as once.
    ///   - lost: how many were lost because nobody has the other side open is added to it.
    ///   - isHolder: whether the caller has the descriptor, from an earlier call that did not end; kept up to date.
    ///   - mustYield: asked now and then whether others should have their turn.
    ///   - wake: what `.waits` promises to call, once.
    func pass(
        _ bytes: inout GuestBytes, for caller: ObjectIdentifier, losing lost: inout UInt64, isHolder: inout Bool,
        unless mustYield: () -> Bool, wake: @escaping EventLoop.Work
    ) -> PassResult {
        if !isHolder { isHolder = take(for: caller, orWake: wake) }
        guard isHolder else { return .waits }
        var result = passHeld()
        if result == .done { result = passNow(&bytes, &lost, unless: mustYield) }
        if result == .waits {
            if case .buffer(let buffer) = target {
                buffer.whenRoom(wake)
            } else {
                state.withLock { $0.onRoom = wake }
                stream.withLock { $0?.watch.arm() }
            }
        } else if result != .again {
            isHolder = false
            release()
        }
        return result
    }

    /// What devices wrote byte by byte comes first.
    private func passHeld() -> PassResult {
        guard pendingCount > 0 else { return .done }
        guard let stream = stream.withLock({ $0?.stream }) else {
            return switch outgoing.withLock({ flush(&$0) { _ in true } }) {
            case .done: .done
            case .gaveUp: .waits
            case .failed(let error): .failed(error)
            }
        }
        return outgoing.withLock { held in
            if held.isEmpty { state.withLock { swap(&$0.bytes, &held) } }
            while !held.isEmpty {
                if case .descriptor(_, discardsWhenHungUp: true) = target, !isConnected {
                    pending.subtract(held.count, ordering: .relaxed)
                    held.removeAll(keepingCapacity: true)
                    break
                }
                // SAFETY: raw bytes of a byte span are its elements.
                let count = unsafe stream.write(held.span.bytes)
                if count > 0 {
                    held.removeSubrange(..<count)
                    pending.subtract(count, ordering: .relaxed)
                } else if count == 0 || count == Int(-EAGAIN) {
                    return .waits
                } else if count != Int(-EINTR) {
                    return .failed(Errno(negated: count))
                }
            }
            return .done
        }
    }

    private func passNow(
        _ bytes: inout GuestBytes, _ lost: inout UInt64, unless mustYield: () -> Bool
    ) -> PassResult {
        switch target {
        case .nothing: bytes.removeAll()
        case .memory(let limit, let onOutput):
            var count = 0
            bytes.forEachPart(upTo: .max) { count += keep($0, limit) }
            if count > 0 { onOutput?() }
            bytes.removeFirst(count)
            return bytes.count == 0 ? .done : .failed(.noSpace)
        case .buffer(let buffer):
            var count = 0
            bytes.forEachPart(upTo: buffer.room) { count += buffer.append($0) }
            if count > 0 { buffer.announce() }
            bytes.removeFirst(count)
            return bytes.count == 0 ? .done : .waits
        case .descriptor(_, let discardsWhenHungUp):
            guard let stream = stream.withLock({ $0?.stream }) else { return .failed(.badFileDescriptor) }
            while bytes.count > 0 {
                if discardsWhenHungUp, !isConnected {
                    lost &+= bytes.count
                    bytes.removeAll()
                    return .done
                }
                let result = bytes.write(to: stream)
                bytes.removeFirst(max(0, result))
                switch Int32(clamping: 0 - result) {
                case ..<0, EINTR: break
                case 0, EAGAIN: return .waits
                case EIO where discardsWhenHungUp: break
                case let code: return .failed(Errno(rawValue: code))
                }
                if bytes.count > 0, mustYield() { return .again }
            }
        }
        return .done
    }
}
