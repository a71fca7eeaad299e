import TestSupport
import Testing

@testable import VMM

@Suite("A stream of a guest's bytes, without a guest")
struct GuestStreamTests {
    private func print(_ text: String, to stream: GuestStream) {
        stream.output.write(Array(text.utf8))
    }

    private func end(_ stream: GuestStream) {
        stream.output.machineEnded()
        stream.input.machineEnded()
    }

    // MARK: Chunks

    @Test("what was printed comes in order, and the sequence ends when the machine is over and all was taken")
    func chunks() async {
        let stream = GuestStream()
        print("abc", to: stream)
        var chunks = stream.chunks.makeAsyncIterator()
        #expect(await chunks.next() == Array("abc".utf8))
        print("d", to: stream)
        print("e", to: stream)
        end(stream)
        #expect(await chunks.next() == Array("de".utf8))
        #expect(await chunks.next() == nil)
        #expect(await chunks.next() == nil)
        #expect(stream.output.pendingCount == 0)
    }

    @Test("a reader that waits is woken by a flush")
    func wakes() async {
        let stream = GuestStream()
        let reader = Task { () -> [UInt8]? in
            var chunks = stream.chunks.makeAsyncIterator()
            return await chunks.next()
        }
        print("x", to: stream)
        // Whoever comes first fetches it.
        _ = stream.output.flush { _ in true }
        #expect(await reader.value == [UInt8(ascii: "x")])
    }

    @Test("a writer is held up at the bound, gives up when it is told to, and nothing is lost")
    func bound() async {
        let stream = GuestStream(outputBound: 10)
        print("0123456789abcdef", to: stream)
        #expect(stream.output.isFull)
        #expect(stream.output.flush { _ in true } == .gaveUp)
        #expect(stream.buffer.count == 10 && stream.output.pendingCount == 6)
        print("ghi", to: stream)
        var chunks = stream.chunks.makeAsyncIterator()
        #expect(await chunks.next() == Array("0123456789".utf8))
        #expect(await chunks.next() == Array("abcdefghi".utf8))
        #expect(stream.buffer.largestCount == 10)
    }

    @Test("a writer that waits goes on when the reader has taken")
    func heldUp() async throws {
        let stream = GuestStream(outputBound: 4)
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        async let result = onThread {
            stream.output.write(bytes)
            let result = stream.output.flush { _ in false }
            stream.output.machineEnded()
            return result
        }
        var read: [UInt8] = []
        for await chunk in stream.chunks { read += chunk }
        #expect(try await result == .done)
        #expect(read == bytes && stream.buffer.largestCount <= 4)
    }

    @Test("at the end of the machine what was held back can be read, however much the bound is")
    func heldBackAtEnd() async {
        let stream = GuestStream(outputBound: 1)
        print("abcdef", to: stream)
        _ = stream.output.flush { _ in true }
        end(stream)
        #expect(stream.output.pendingCount == 0)
        var read: [UInt8] = []
        for await chunk in stream.chunks { read += chunk }
        #expect(read == Array("abcdef".utf8))
    }

    @Test("who stops reading and begins again goes on where it was, by chunks, lines or a dialogue")
    func goesOn() async throws {
        let stream = GuestStream()
        print("one\ntwo\nlogin: three\nfour", to: stream)
        for await line in stream.lines {
            #expect(line == "one")
            break
        }
        #expect(try await stream.wait(for: "gin: ") == "two\nlogin: ")
        for await line in stream.lines {
            #expect(line == "three")
            break
        }
        for await chunk in stream.chunks {
            #expect(chunk == Array("four".utf8))
            break
        }
    }

    @Test("a reader whose task is cancelled ends, and leaves what comes later to the next")
    func cancelledReader() async {
        let stream = GuestStream()
        let reader = Task { for await _ in stream.chunks {} }
        reader.cancel()
        await reader.value
        print("later", to: stream)
        end(stream)
        for await chunk in stream.chunks { #expect(chunk == Array("later".utf8)) }
    }

    @Test("of two readers at once each byte goes to one")
    func twoReaders() async throws {
        let stream = GuestStream(outputBound: 16)
        let count = 20_000
        let totals = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var read: [UInt8] = []
                    for await chunk in stream.chunks { read += chunk }
                    return read
                }
            }
            try await onThread {
                for index in 0..<count {
                    stream.output.write(UInt8(truncatingIfNeeded: index))
                    if stream.output.isFull { _ = stream.output.flush { _ in false } }
                }
                stream.output.machineEnded()
            }
            return try await group.reduce(into: [[UInt8]]()) { $0.append($1) }
        }
        #expect(totals.map(\.count).reduce(0, +) == count)
        let values = totals.flatMap(\.self).reduce(into: [UInt8: Int]()) { $0[$1, default: 0] += 1 }
        #expect(values[0] == (count + 255) / 256)
    }

    // MARK: Lines

    @Test("lines end at a line feed, the last one at the end, and a carriage return before the feed is none of theirs")
    func lines() async {
        let stream = GuestStream()
        stream.output.write(Array("one\r\n\n two \rx\nlast é".utf8) + [0xFF])
        end(stream)
        var lines: [String] = []
        for await line in stream.lines { lines.append(line) }
        #expect(lines == ["one", "", " two \rx", "last é\u{FFFD}"])
    }

    @Test("a line that is longer than the bound comes in pieces that cut no character")
    func longLine() async throws {
        let stream = GuestStream(outputBound: 16)
        let text = String(repeating: "aé€😀", count: 1_000)
        async let result = onThread {
            stream.output.write(Array((text + "\nend\n").utf8))
            let result = stream.output.flush { _ in false }
            stream.output.machineEnded()
            return result
        }
        var lines: [String] = []
        for await line in stream.lines { lines.append(line) }
        #expect(try await result == .done)
        #expect(lines.last == "end" && lines.dropLast().joined() == text)
        #expect(lines.allSatisfy { $0.utf8.count <= 16 } && stream.buffer.largestCount <= 16)
        let bad = GuestStream(outputBound: 3)
        bad.output.write([UInt8](repeating: 0x80, count: 3))
        end(bad)
        for await line in bad.lines { #expect(line == "\u{FFFD}\u{FFFD}\u{FFFD}") }
    }

    // MARK: Dialogue

    @Test("a wait takes all up to the text, also where it comes in parts, is longer than the bound, and begins twice")
    func waits() async throws {
        let stream = GuestStream(outputBound: 5)
        async let result = onThread {
            stream.output.write(Array("ababababc, then more".utf8))
            let result = stream.output.flush { _ in false }
            stream.output.machineEnded()
            return result
        }
        #expect(try await stream.wait(for: "") == "")
        #expect(try await stream.wait(for: "abababc") == "ababababc")
        #expect(try await stream.wait(for: "n") == ", then")
        #expect(try await result == .done)
        let error = await #expect(throws: GuestStreamError.self) { try await stream.wait(for: "less") }
        #expect(error == GuestStreamError(.ended, output: " more"))
    }

    @Test("a wait that is cancelled has taken nothing")
    func cancelledWait() async throws {
        let stream = GuestStream()
        print("something", to: stream)
        let waiter = Task { () -> GuestStreamError? in
            do throws(GuestStreamError) {
                try await stream.wait(for: "else")
                return nil
            } catch {
                return error
            }
        }
        waiter.cancel()
        let error = await waiter.value
        #expect(error?.cause == .cancelled)
        #expect(try await stream.wait(for: "thing") == "something")
    }

    @Test("a text is found where a simple search finds it first", arguments: 0..<20 as Range<UInt64>)
    func search(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 1...6, using: &random)).map { _ in Bool.random(using: &random) ? "a" : "b" }
                .joined()
            let bytes = (0..<40).map { _ in Bool.random(using: &random) ? UInt8(ascii: "a") : UInt8(ascii: "b") }
            var search = TextSearch(for: text)
            let found = bytes.firstIndex { search.ends(with: $0) }
            let expected = (0...(40 - text.utf8.count)).first { bytes[$0...].starts(with: text.utf8) }
            #expect(found == expected.map { $0 + text.utf8.count - 1 }, "\(text) in \(bytes)")
        }
    }

    // MARK: Input

    @Test("who sends waits until the guest has taken enough, and the bytes of each stay together")
    func backPressure() async throws {
        let stream = GuestStream(inputBound: 3)
        let texts = ["first one ", "second one ", "third one "]
        let senders = texts.map { text in Task { try await stream.send(text) } }
        var taken = ""
        let total = texts.joined().utf8.count
        let isDone = await eventuallyAsync {
            #expect(stream.input.unreadCount <= 3)
            stream.input.read(upTo: 2) { taken += String(UnicodeScalar($0)) }
            return taken.utf8.count == total
        }
        #expect(isDone)
        for sender in senders { try await sender.value }
        #expect(texts.allSatisfy { taken.contains($0) }, "\(taken)")
    }

    @Test(
        "a send that the end of the machine or a cancellation ends tells how much was taken", arguments: [true, false])
    func endedSend(isCancelled: Bool) async {
        let stream = GuestStream(inputBound: 4)
        let sender = Task { () -> GuestStreamError? in
            do throws(GuestStreamError) {
                try await stream.send("0123456789")
                return nil
            } catch {
                return error
            }
        }
        #expect(await eventuallyAsync { stream.input.unreadCount == 4 })
        stream.input.read(upTo: 2) { _ in }
        #expect(stream.input.unreadCount == 4)
        if isCancelled { sender.cancel() } else { end(stream) }
        let error = await sender.value
        #expect(error == GuestStreamError(isCancelled ? .cancelled : .ended, sentByteCount: 6))
        // What was taken stays, and nobody waits any more.
        var rest: [UInt8] = []
        stream.input.read(upTo: 10) { rest.append($0) }
        #expect(rest == Array("2345".utf8))
        if !isCancelled { await #expect(throws: GuestStreamError(.ended)) { try await stream.send("x") } }
    }

    // MARK: Questions

    /// Prints as a guest that waits for room.
    private func printed(_ text: String, to stream: GuestStream) async throws -> ConsoleOutput.FlushResult {
        try await onThread {
            stream.output.write(Array(text.utf8))
            return stream.output.flush { _ in false }
        }
    }

    private func asked(_ stream: GuestStream, _ question: String, until answer: String) -> Task<
        GuestStreamError?, Never
    > {
        Task {
            do throws(GuestStreamError) {
                #expect(try await stream.ask(question, until: answer).hasSuffix(answer))
                return nil
            } catch {
                return error
            }
        }
    }

    @Test(
        "an answer that comes before the question is taken is there when it is, and what is behind it is for the next")
    func earlyAnswer() async throws {
        let stream = GuestStream(outputBound: 16, inputBound: 4)
        print("yes\nmore", to: stream)
        let asking = asked(stream, "0123456789", until: "\n")
        var taken: [UInt8] = []
        #expect(await eventuallyAsync { stream.input.unreadCount == 4 && stream.buffer.count == 8 })
        #expect(
            await eventuallyAsync {
                stream.input.read(upTo: 1) { taken.append($0) }
                return taken.count == 10
            })
        #expect(await asking.value == nil)
        #expect(taken == Array("0123456789".utf8))
        #expect(try await stream.wait(for: "more") == "more")
    }

    @Test("one behind which the guest prints more than the bound ends the question, and nothing is lost")
    func heldUpBehindAnswer() async throws {
        let stream = GuestStream(outputBound: 8, inputBound: 4)
        let asking = asked(stream, "0123456789", until: "\n")
        #expect(await eventuallyAsync { stream.input.unreadCount == 4 })
        stream.input.read(upTo: 2) { _ in }
        async let result = printed("not yet, but now: yes\nand more than that", to: stream)
        let error = await asking.value
        #expect(error == GuestStreamError(.answeredEarly, sentByteCount: 6, output: "not yet, but now: yes\n"))
        #expect(try await stream.wait(for: "that") == "and more than that")
        #expect(try await result == .done)
        #expect(stream.input.unreadCount == 4)
    }

    @Test(
        "the end of the machine and a cancellation end a question, and tell what was sent and printed",
        arguments: [true, false])
    func endedQuestion(isCancelled: Bool) async throws {
        let stream = GuestStream(inputBound: 4)
        let asking = asked(stream, "0123456789", until: "\n")
        #expect(await eventuallyAsync { stream.input.unreadCount == 4 })
        #expect(try await printed("what", to: stream) == .done)
        #expect(await eventuallyAsync { stream.buffer.count == 4 })
        if isCancelled { asking.cancel() } else { end(stream) }
        let cause: GuestStreamError.Cause = isCancelled ? .cancelled : .ended
        #expect(await asking.value == GuestStreamError(cause, sentByteCount: 4, output: "what"))
        for await chunk in stream.chunks {
            #expect(chunk == Array("what".utf8))
            break
        }
    }

    @Test("a question that waits behind what others send is asked as well, whatever is printed meanwhile")
    func questionBehindOthers() async throws {
        let stream = GuestStream(outputBound: 4, inputBound: 8)
        try await stream.send("01234567")
        let asking = asked(stream, "ask", until: "done")
        #expect(try await printed("more than the bound, ", to: stream) == .done)
        stream.input.read(upTo: 8) { _ in }
        #expect(try await printed("done", to: stream) == .done)
        #expect(await asking.value == nil)
        #expect(stream.input.unreadCount == 3)
    }

    // MARK: A machine that never ran

    @Test("where no machine can be made the sequence ends, and a send says so")
    func noMachine() async {
        let (stream, port) = (GuestStream(), GuestStream())
        var configuration = MachineConfiguration(image: .file("/nonexistent"), stream: stream)
        configuration.devices.append(
            .virtioConsole(VirtioConsoleConfiguration(ports: [VirtioPortConfiguration(name: "a", stream: port)])))
        await #expect(throws: VMMError.self) { _ = try await VirtualMachine(configuration) }
        for stream in [stream, port] {
            for await _ in stream.chunks { Issue.record("there is nothing to read") }
            await #expect(throws: GuestStreamError(.ended)) { try await stream.send("x") }
        }
    }
}
