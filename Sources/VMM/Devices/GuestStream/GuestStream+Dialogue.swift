import Synchronization

/// Why a part of a dialogue with a guest came to nothing.
public struct GuestStreamError: Error, Equatable {
    public enum Cause: Equatable, Sendable {
        /// The machine is over, or was never made.
        case ended
        /// The task was cancelled.
        case cancelled
        /// The answer came before the guest had taken all of the question, and so much behind it that the guest was held up.
        case answeredEarly
    }

    public let cause: Cause
    /// How many of the bytes that were to be sent the guest has got, or would get next.
    public let sentByteCount: Int
    /// Of a wait for a text: what the guest has printed without it, or up to its end where not all was sent; the last MiB at most, with
    /// what is no UTF-8 replaced.
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
        case .answeredEarly:
            "the guest answered before it had taken all of the question, and printed more than may wait; send less at once, or give the "
                + "stream a larger bound for output"
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
        if text.isEmpty { return "" }
        let (printed, cause) = await takePrinted(until: text)
        if let cause { throw GuestStreamError(cause, output: printed) }
        return printed
    }

    /// Takes what is printed up to the end of a text.
    ///
    /// - Parameter isSending: whether the text is to be left where it is for now, as long as there is room behind it.
    /// - Returns: what was printed; where the text did not come, with the cause, and what still waits is in it and was not taken.
    private nonisolated(nonsending) func takePrinted(
        until text: String, while isSending: () -> Bool = { false }
    ) async -> (String, GuestStreamError.Cause?) {
        var search = TextSearch(for: text)
        var isFound = false
        var place: UInt64 = 0
        var printed = KeptBytes()
        var rest: [UInt8] = []
        let result = await read { (bytes, situation) -> Void? in
            isFound = isFound || bytes.scan(from: &place) { search.ends(with: $0) }
            let isLastLook = situation.isFull || situation.isLast
            if isFound, isLastLook || !isSending() {
                printed.append(bytes.takeFirst(Int(clamping: place &- bytes.start)))
                return ()
            }
            // It stays where it is as long as that is possible.
            if situation.isFull, !situation.isLast { printed.append(bytes.takeAll()) }
            if situation.isLast || Task.isCancelled { rest = Array(bytes.bytes) }
            return nil
        }
        printed.append(rest)
        switch result {
        case .value: return (printed.text, nil)
        case .ended: return (printed.text, .ended)
        case .cancelled: return (printed.text, .cancelled)
        }
    }

    /// Sends a text, and waits for another: one round of a dialogue. What the guest prints before it has taken all of the text is looked
    /// at meanwhile, so that a guest that answers as it reads holds nothing up.
    ///
    /// An answer that comes before the guest has taken all waits for that. Where the guest prints so much behind it that there is no more
    /// room, it would be held up for ever: the rest is not sent.
    ///
    /// - Returns: what the guest printed, as ``wait(for:)``.
    /// - Throws: `GuestStreamError`, which tells how many bytes were taken, and what was printed, up to the answer where that came. Behind
    ///   it nothing was taken.
    @discardableResult
    public nonisolated(nonsending) func ask(
        _ question: String, until answer: String
    ) async throws(GuestStreamError) -> String {
        let question = Array(question.utf8)
        if answer.isEmpty {
            try await send(question)
            return ""
        }
        let (sent, printed, cause) = await exchange(question, until: answer)
        let isEarly = cause == nil && sent.cause == .cancelled && !Task.isCancelled
        guard let cause = isEarly ? .answeredEarly : cause ?? sent.cause else { return printed }
        throw GuestStreamError(cause, sentByteCount: sent.count, output: printed)
    }

    /// Sends, and takes what is printed up to the end of a text. Where no more can be printed before all is
    /// sent, what is not sent yet is not sent any more.
    private nonisolated(nonsending) func exchange(
        _ question: [UInt8], until answer: String
    ) async -> (sent: SendResult, printed: String, GuestStreamError.Cause?) {
        if input.sendAtOnce(question) {
            let (printed, cause) = await takePrinted(until: answer)
            return ((question.count, nil), printed, cause)
        }
        let isSending = Atomic<Bool>(true)
        return await withTaskGroup(of: SendResult.self) { group in
            group.addTask { @Sendable in
                defer {
                    isSending.store(false, ordering: .relaxed)
                    self.buffer.lookAgain()
                }
                return await self.input.send(question)
            }
            let (printed, cause) = await self.takePrinted(until: answer) { isSending.load(ordering: .relaxed) }
            // Whoever has sent all is not reached by this.
            group.cancelAll()
            return (await group.next() ?? (0, .cancelled), printed, cause)
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
