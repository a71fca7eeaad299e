import DeviceModel
import Glibc
import KVM
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

@Suite("A virtio-console")
struct VirtioConsoleTests {
    private static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test("what the driver sends arrives in its order, and each buffer comes back")
    func sends() throws {
        let console = try ConsoleDriver(output: ConsoleOutput())
        try console.bringUp()
        var expected: [UInt8] = []
        for round in 0..<50 {
            let part = Self.bytes(1 + round * 80 % 4096, seed: UInt64(round))
            try console.send(part)
            expected += part
            if round % 3 == 2 { for _ in 0..<3 { #expect(try console.takeSent()?.bytes == []) } }
        }
        for _ in 0..<2 { #expect(try console.takeSent() != nil) }
        #expect(console.output.collected == expected)
        #expect(console.byteCount == UInt64(expected.count))
        #expect(console.transport.fault == nil)
    }

    @Test("a chain of several buffers is one piece of output; what it has for the device to write stays as it is")
    func chain() throws {
        let console = try ConsoleDriver(output: ConsoleOutput())
        try console.bringUp()
        _ = try console.transmit.add(readable: [[1, 2], [], [3], [4, 5, 6]], writable: [8])
        if try console.transmit.publish() { console.transport.set(.queueNotify, 1) }
        #expect(try console.takeSent()?.bytes == [])
        #expect(console.output.collected == [1, 2, 3, 4, 5, 6])
    }

    @Test("it comes behind what other consoles printed before, although that was held back")
    func order() throws {
        let pipe = HostPipe()
        let console = try ConsoleDriver(output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        try console.bringUp()
        console.output.write(Array("serial ".utf8))
        try console.send(Array("virtio ".utf8))
        #expect(try console.takeSent() != nil)
        console.output.write(Array("serial".utf8))
        #expect(console.output.flush { _ in false } == .done)
        #expect(console.finish { false }.isIdle)
        pipe.writeEnd.close()
        #expect(String(decoding: pipe.readAll(), as: UTF8.self) == "serial virtio serial")
    }

    @Test("input fills buffers as it comes; what there is no buffer for waits at its source")
    func receives() throws {
        let pipe = HostPipe()
        let console = try ConsoleDriver(
            output: ConsoleOutput(), input: ConsoleInput(descriptor: pipe.readEnd.number))
        try console.bringUp()
        pipe.write(Array("early".utf8))
        usleep(20_000)
        #expect(pipe.waitingCount == 5)
        try console.offerRoom(4)
        #expect(try console.takeReceived() == Array("earl".utf8))
        #expect(pipe.waitingCount == 1)
        try console.offerRoom(4096)
        #expect(try console.takeReceived() == Array("y".utf8))
        try console.offerRoom(4096)
        usleep(20_000)
        #expect(try console.receive.takeBuffers() == nil)
        pipe.write(Array("later".utf8))
        #expect(try console.takeReceived() == Array("later".utf8))
    }

    @Test("input from memory and from a queue too")
    func receivesFromMemory() throws {
        let queue = ConsoleInput(queueOf: 100)
        for input in [ConsoleInput(Array("memory".utf8)), queue] {
            let console = try ConsoleDriver(output: ConsoleOutput(), input: input)
            try console.bringUp()
            try console.offerRoom(4)
            if input === queue { #expect(queue.append(Array("memory".utf8)) == 6) }
            #expect(try console.takeReceived() == Array("memo".utf8))
            try console.offerRoom(4)
            #expect(try console.takeReceived() == Array("ry".utf8))
        }
    }

    @Test("the end of the input is no input")
    func endOfInput() throws {
        let pipe = HostPipe()
        let console = try ConsoleDriver(
            output: ConsoleOutput(), input: ConsoleInput(descriptor: pipe.readEnd.number))
        try console.bringUp()
        try console.offerRoom(4)
        pipe.write([7])
        #expect(try console.takeReceived() == [7])
        try console.offerRoom(4)
        pipe.writeEnd.close()
        usleep(20_000)
        #expect(try console.receive.takeBuffers() == nil)
        // The other queue does not mind.
        try console.send([8])
        #expect(try console.takeSent() != nil)
    }

    @Test("with every combination of features", arguments: [false, true], [false, true])
    func features(indirect: Bool, eventIndex: Bool) throws {
        var features = VirtioMMIO.version1
        if indirect { features |= VirtioFeatures.indirectDescriptors.rawValue }
        if eventIndex { features |= VirtioFeatures.eventIndex.rawValue }
        let console = try ConsoleDriver(
            output: ConsoleOutput(), input: ConsoleInput(Self.bytes(100)), features: features)
        try console.bringUp()
        for byte in 0..<200 {
            try console.send([UInt8(byte)])
            #expect(try console.takeSent() != nil)
        }
        #expect(console.output.collected == (0..<200).map { UInt8($0) })
        try console.offerRoom(60)
        try console.offerRoom(60)
        #expect(try console.takeReceived() == Array(Self.bytes(100).prefix(60)))
        #expect(try console.takeReceived() == Array(Self.bytes(100).dropFirst(60)))
    }
}
