/// Why a part of a dialogue with a guest came to nothing.
public struct GuestStreamError: Error, Equatable {
    public enum Cause: Equatable, Sendable {
        /// The machine is over, or was never made.
        case ended
        /// The task was cancelled.
        case cancelled
    }

    public let cause: Cause
    /// How many of the bytes that were to be sent the guest has got, or would get next.
    public let sentByteCount: Int
    /// Of a wait for a text: what the guest has printed without it, its last MiB at most, with what is no UTF-8 replaced.
    public let output: String

    init(_ cause: Cause, sentByteCount: Int = 0, output: String = "") {
        (self.cause, self.sentByteCount, self.output) = (cause, sentByteCount, output)
    }
}

extension GuestStreamError: CustomStringConvertible {
    public var description: String {
        switch cause {
        case .ended: "the machine is over, so nothing more comes from its guest or gets to it; look at its stop reason"
        case .cancelled: "the task that waited for the guest was cancelled"
        }
    }
}

extension GuestStream {
    /// Gives the guest input. Waits as long as it has not taken enough of what it was sent before.
    ///
    /// - Throws: `GuestStreamError`, which tells how many bytes were taken before the machine was over or the task was cancelled.
    public nonisolated(nonsending) func send(_ bytes: some Collection<UInt8>) async throws(GuestStreamError) {
        let (count, cause) = await input.send(Array(bytes))
        if let cause { throw GuestStreamError(cause, sentByteCount: count) }
    }

    /// The same for a text, in UTF-8.
    public nonisolated(nonsending) func send(_ text: String) async throws(GuestStreamError) {
        try await send(text.utf8)
    }

    /// Waits until the guest has printed a text, and takes all up to its end. What comes behind it is for who reads next.
    ///
    /// - Parameter text: compared byte by byte, in UTF-8.
    /// - Returns: what was printed, with the text at its end and with what is no UTF-8 replaced; of more than 1 MiB the last.
    /// - Throws: `GuestStreamError` where the machine is over without the text, or the task is cancelled. Then nothing was taken of what
    ///   waits, which is no more than the bound; what was printed before that is in the error alone.
    @discardableResult
    public nonisolated(nonsending) func wait(for text: String) async throws(GuestStreamError) -> String {
        var search = TextSearch(for: text)
        if search.isEmpty { return "" }
        var place: UInt64 = 0
        var printed = KeptBytes()
        var rest: [UInt8] = []
        let result = await read { (bytes, situation) -> Void? in
            if bytes.scan(from: &place, until: { search.ends(with: $0) }) {
                printed.append(bytes.takeFirst(Int(clamping: place &- bytes.start)))
                return ()
            }
            // It stays where it is as long as that is possible.
            if situation.isFull, !situation.isLast { printed.append(bytes.takeAll()) }
            if situation.isLast || Task.isCancelled { rest = Array(bytes.bytes) }
            return nil
        }
        switch result {
        case .value: return printed.text
        case .ended, .cancelled:
            printed.append(rest)
            let cause: GuestStreamError.Cause = if case .ended = result { .ended } else { .cancelled }
            throw GuestStreamError(cause, output: printed.text)
        }
    }

    /// Sends a text, and waits for another: one round of a dialogue. What the guest prints before it has taken all of the text is read
    /// meanwhile, so that a guest that answers as it reads holds nothing up.
    ///
    /// - Returns: what the guest printed, as ``wait(for:)``.
    /// - Throws: as `send` and ``wait(for:)``.
    @discardableResult
    public nonisolated(nonsending) func ask(
        _ question: String, until answer: String
    ) async throws(GuestStreamError) -> String {
        guard question.utf8.count > inputBound else {
            try await send(question)
            return try await wait(for: answer)
        }
        async let failure = sendFailure(question)
        let printed = try await wait(for: answer)
        if let failure = await failure { throw failure }
        return printed
    }

    private func sendFailure(_ text: String) async -> GuestStreamError? {
        do throws(GuestStreamError) {
            try await send(text)
            return nil
        } catch {
            return error
        }
    }
}

/// The last bytes of many, so that no guest makes this process grow.
private struct KeptBytes {
    private var bytes: [UInt8] = []

    mutating func append(_ new: [UInt8]) {
        bytes += new
        // Seldom, since it moves all of them.
        if bytes.count > 2 * GuestStream.keptLimit { bytes.removeFirst(bytes.count - GuestStream.keptLimit) }
    }

    var text: String { String(decoding: bytes.suffix(GuestStream.keptLimit), as: UTF8.self) }
}

extension MachineConfiguration {
    /// A machine whose consoles, unless their devices say otherwise, print to a stream, and whose first serial port gets what is sent by it.
    public init(image: ImageSource, stream: GuestStream) {
        self.init(image: image, output: stream.output)
        input = stream.input
    }
}

extension UARTConfiguration {
    public init(port: Port = .com1, stream: GuestStream) {
        self.init(port: port, output: stream.output, input: stream.input)
    }
}

extension VirtioConsoleConfiguration {
    public init(stream: GuestStream, window: ConsoleWindow? = nil, ports: [VirtioPortConfiguration] = []) {
        self.init(output: stream.output, input: stream.input, window: window, ports: ports)
    }
}

extension VirtioPortConfiguration {
    public init(name: String, stream: GuestStream) {
        self.init(name: name, output: stream.output, input: stream.input)
    }
}
