import Glibc
import LinuxHost
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Descriptors that an event loop watches")
struct WatchTests {
    @Test("a watch that repeats is called for each signal, and not without one")
    func repeats() throws {
        let event = try SharedEvent()
        try withLoop { loop in
            let record = Record<UInt64>()
            try loop.watch(event.number) { record.append(event.take()) }
            for round in 1...100 {
                event.signal()
                try #require(record.reaches(round))
            }
            #expect(loop.settle())
            #expect(record.all == [UInt64](repeating: 1, count: 100))
            loop.unwatch(event.number)
        }
    }

    @Test("a watch that does not repeat is called once each time that it is armed, though what came is not taken")
    func once() throws {
        let pipe = Ends.pipe()
        try withLoop { loop in
            let record = Record<Int>()
            let watch = try loop.watch(input: pipe.first.number) { record.append(1) }
            pipe.second.write([1])
            #expect(loop.settle())
            #expect(record.count == 0, "it was not armed yet")
            for round in 1...50 {
                watch.arm()
                try #require(record.reaches(round))
                #expect(loop.settle())
                try #require(record.count == round)
            }
            #expect(pipe.first.read(upTo: 1) == [1])
            watch.arm()
            watch.arm()
            #expect(loop.settle())
            #expect(record.count == 50, "there is nothing to read")
            pipe.second.write([2])
            try #require(record.reaches(51))
            #expect(loop.settle())
            #expect(record.count == 51, "armed twice is armed")
            loop.unwatch(pipe.first.number)
        }
    }

    @Test("a watch may be armed by its own handler, which is then called again")
    func armsItself() throws {
        let pipe = Ends.pipe()
        try withLoop { loop in
            let read = Record<UInt8>()
            let watch = Mutex<EventLoop.Watch?>(nil)
            let made = try loop.watch(input: pipe.first.number) {
                for byte in pipe.first.read(upTo: 1) ?? [] { read.append(byte) }
                watch.withLock { $0?.arm() }
            }
            watch.withLock { $0 = made }
            made.arm()
            pipe.second.write(Array(0..<100))
            try #require(read.reaches(100))
            #expect(read.all == Array(0..<100))
            loop.unwatch(pipe.first.number)
            watch.withLock { $0 = nil }
        }
    }

    @Test("both directions of a descriptor are watched, each by itself")
    func bothDirections() throws {
        let pair = Ends.socketPair()
        try withLoop { loop in
            let (input, output) = (Record<Int>(), Record<Int>())
            let onInput = try loop.watch(input: pair.first.number) { input.append(1) }
            let onOutput = try loop.watch(output: pair.first.number) { output.append(1) }
            func settled() -> [Int] {
                #expect(loop.settle())
                return [input.count, output.count]
            }
            #expect(settled() == [0, 0])
            onOutput.arm()
            #expect(output.reaches(1))
            #expect(settled() == [0, 1])
            onInput.arm()
            #expect(settled() == [0, 1], "nothing has come")
            onOutput.arm()
            #expect(output.reaches(2))
            #expect(settled() == [0, 2])
            pair.second.write([1])
            #expect(input.reaches(1))
            #expect(settled() == [1, 2])
            onInput.arm()
            onOutput.arm()
            #expect(input.reaches(2) && output.reaches(3))
            #expect(settled() == [2, 3])
            // Filled up there is no room, and input still tells.
            pair.first.setNonblocking()
            let filler = [UInt8](repeating: 0, count: 4096)
            while pair.first.write(filler) > 0 {}
            onOutput.arm()
            #expect(settled() == [2, 3])
            onInput.arm()
            #expect(input.reaches(3))
            #expect(settled() == [3, 3])
            pair.second.setNonblocking()
            #expect(
                happens {
                    _ = pair.second.read(upTo: 4096)
                    return output.count == 4
                })
            #expect(settled() == [3, 4])
            loop.unwatch(pair.first.number)
        }
    }

    /// What epoll(7) refuses.
    @Test(
        "a regular file, and /dev/null, are always ready, once each time that they are armed", arguments: [true, false])
    func alwaysReady(isFile: Bool) throws {
        let path = TemporaryPath()
        let end = isFile ? path.makeFile() : Ends.End(open("/dev/null", O_RDWR))
        try withLoop { loop in
            let (input, output) = (Record<Int>(), Record<Int>())
            let onInput = try loop.watch(input: end.number) { input.append(1) }
            let onOutput = try loop.watch(output: end.number) { output.append(1) }
            #expect(loop.settle())
            #expect([input.count, output.count] == [0, 0])
            for round in 1...10 {
                onInput.arm()
                try #require(input.reaches(round))
                if round % 2 == 0 { onOutput.arm() }
                #expect(loop.settle(.devices))
                #expect([input.count, output.count] == [round, round / 2])
            }
            loop.unwatch(end.number)
            onInput.arm()
            #expect(loop.settle(.devices))
            #expect(input.count == 10)
        }
    }

    @Test("one that is always ready is called once, too, when it was armed twice")
    func alwaysReadyTwice() throws {
        let null = Ends.End(open("/dev/null", O_RDWR))
        try withLoop { loop in
            let gate = try loop.hold()
            let record = Record<Int>()
            let watch = try loop.watch(input: null.number) { record.append(1) }
            watch.arm()
            watch.arm()
            gate.open()
            try #require(record.reaches(1))
            #expect(loop.settle(.devices))
            #expect(record.count == 1)
        }
    }

    @Test("one that is always ready is not called any more when it was taken out")
    func alwaysReadyUnwatched() throws {
        let null = Ends.End(open("/dev/null", O_RDWR))
        try withLoop { loop in
            let gate = try loop.hold()
            let record = Record<Int>()
            try loop.watch(input: null.number) { record.append(1) }.arm()
            loop.unwatch(null.number)
            gate.open()
            #expect(loop.settle(.devices))
            #expect(record.count == 0)
        }
    }

    @Test("one that can never tell of input cannot be watched for good")
    func neverTells() throws {
        let null = Ends.End(open("/dev/null", O_RDWR))
        try withLoop { loop in
            #expect(throws: HostError("watch a descriptor", .notPermitted)) { try loop.watch(null.number) {} }
        }
    }

    @Test("what is closed cannot be watched, and what is watched cannot be watched for good as well")
    func refused() throws {
        let event = try SharedEvent()
        try withLoop { loop in
            let closed: Int32 = 1_000_000
            #expect(throws: HostError("watch a descriptor", .badFileDescriptor)) { try loop.watch(closed) {} }
            #expect(throws: HostError("watch a descriptor", .badFileDescriptor)) {
                _ = try loop.watch(input: closed) {}
            }
            #expect(throws: HostError("watch a descriptor", .badFileDescriptor)) { _ = try loop.watch(input: -1) {} }
            try loop.watch(event.number) { _ = event.take() }
            #expect(throws: HostError("watch a descriptor", .fileExists)) { try loop.watch(event.number) {} }
            #expect(throws: HostError("watch a descriptor", .fileExists)) {
                _ = try loop.watch(input: event.number) {}
            }
            loop.unwatch(event.number)
            loop.unwatch(event.number)
            loop.unwatch(closed)
        }
    }

    @Test("a descriptor belongs to one group")
    func oneGroup() throws {
        let pair = Ends.socketPair()
        try withLoop { loop in
            _ = try loop.watch(input: pair.first.number, .control) {}
            #expect(throws: HostError("watch a descriptor", .fileExists)) {
                _ = try loop.watch(output: pair.first.number, .devices) {}
            }
            loop.unwatch(pair.first.number)
            let record = Record<Int>()
            try loop.watch(output: pair.first.number, .devices) { record.append(1) }.arm()
            #expect(record.reaches(1))
            loop.unwatch(pair.first.number)
        }
    }

    @Test("many descriptors are watched, more than one look at them tells of")
    func many() throws {
        let events = try (0..<200).map { _ in try SharedEvent() }
        try withLoop { loop in
            let record = Record<Int>()
            for (index, event) in events.enumerated() {
                try loop.watch(event.number, index % 3 == 0 ? .control : .devices) {
                    _ = event.take()
                    record.append(index)
                }
            }
            for round in 1...10 {
                for event in events { event.signal() }
                try #require(record.reaches(200 * round))
            }
            #expect(loop.settle())
            for index in events.indices { #expect(record.all.count { $0 == index } == 10) }
            for event in events { loop.unwatch(event.number) }
        }
    }

    @Test("what was taken out is not called any more, and may be watched anew")
    func unwatched() throws {
        let event = try SharedEvent()
        try withLoop { loop in
            let record = Record<String>()
            try loop.watch(event.number) {
                _ = event.take()
                record.append("first")
            }
            event.signal()
            try #require(record.reaches(1))
            loop.unwatch(event.number)
            event.signal()
            #expect(loop.settle())
            #expect(record.all == ["first"])
            let watch = try loop.watch(input: event.number) { record.append("second") }
            watch.arm()
            try #require(record.reaches(2))
            loop.unwatch(event.number)
            watch.arm()
            #expect(loop.settle())
            #expect(record.all == ["first", "second"])
        }
    }

    @Test("a handler may take its own descriptor out, and another one that is ready as well")
    func unwatchedInside() throws {
        let events = try [SharedEvent(), SharedEvent()]
        try withLoop { loop in
            let record = Record<Int>()
            let gate = try loop.hold()
            for (index, event) in events.enumerated() {
                try loop.watch(event.number) {
                    record.append(index)
                    for event in events { loop.unwatch(event.number) }
                }
                event.signal()
            }
            gate.open()
            try #require(record.reaches(1))
            #expect(loop.settle())
            #expect(record.count == 1)
        }
    }

    @Test("a thousand times a descriptor is watched, taken out and closed, and the next one has its number")
    func reusedNumbers() throws {
        try withLoop { loop in
            let record = Record<Int>()
            for round in 0..<1_000 {
                let event = try SharedEvent()
                try loop.watch(event.number) {
                    if event.take() > 0 { record.append(round) }
                }
                event.signal()
                try #require(record.reaches(round + 1))
                loop.unwatch(event.number)
            }
            #expect(record.all == Array(0..<1_000))
        }
    }
}
