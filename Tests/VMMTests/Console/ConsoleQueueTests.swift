import Glibc
import LinuxHost
import TestSupport
import Testing

@testable import VMM

@Suite("Console input that is appended, and a serial output of its own")
struct ConsoleQueueTests {
    private func taken(from input: ConsoleInput, upTo room: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        input.read(upTo: room) { bytes.append($0) }
        return bytes
    }

    @Test("a queue gives what was appended, in order, and takes no more than its limit")
    func queue() {
        let input = ConsoleInput(queueOf: 4)
        #expect(taken(from: input, upTo: 16) == [])
        #expect(input.append([1, 2, 3]) == 3)
        #expect(input.append([4, 5]) == 1)
        #expect(input.unreadCount == 4)
        #expect(taken(from: input, upTo: 3) == [1, 2, 3])
        #expect(input.append([6]) == 1)
        #expect(taken(from: input, upTo: 16) == [4, 6])
    }

    @Test("who waits for a queue's descriptor is woken as long as there are bytes, and then no more")
    func waiting() throws {
        let input = ConsoleInput(queueOf: 4)
        let descriptor = try #require(input.watchedDescriptor)
        func isReadable() -> Bool { readiness(of: descriptor, POLLIN) & Int16(POLLIN) != 0 }
        #expect(!isReadable())
        for _ in 0..<2 {
            #expect(input.append([1, 2]) == 2)
            #expect(isReadable())
            #expect(input.append([3]) == 1)
            #expect(taken(from: input, upTo: 2) == [1, 2])
            #expect(isReadable())
            #expect(taken(from: input, upTo: 1) == [3])
            #expect(!isReadable())
        }
    }

    @Test("nothing can be appended to an input that is not a queue")
    func notAQueue() {
        let input = ConsoleInput([1])
        #expect(input.append([2]) == 0)
        #expect(taken(from: input, upTo: 16) == [1])
    }

    @Test("the serial port can write elsewhere than the debug console", .requiresKVM)
    func serialOutput() throws {
        let serial = ConsoleOutput()
        // mov dx, 0x3F8; mov al, 'S'; out dx, al; mov al, 'd'; out 0xE9, al; hlt
        let run = try GuestRun(code: [0xBA, 0xF8, 0x03, 0xB0, 0x53, 0xEE, 0xB0, 0x64, 0xE6, 0xE9, 0xF4]) {
            $0.setSerial { $0.output = serial }
        }
        #expect(run.reason == .halted)
        #expect(serial.collected == Array("S".utf8))
        #expect(run.text == "d")
    }
}
