import DeviceModel
import Glibc
import LinuxHost
import Testing

@testable import VMM

@Suite("Interrupts on their way to a vCPU that sleeps")
struct InterruptRouterTests {
    private static func isReadable(_ descriptor: Int32) -> Bool { readiness(of: descriptor, POLLIN) != 0 }

    @Test("a line that rises wakes whoever watches; one that is lowered, or was high before, does not")
    func watched() throws {
        let router = try InterruptRouter()
        let lines = [5, 6].map { router.line(gsi: $0) }
        lines[0].setLevel(true)
        router.whileWatched { event in
            #expect(router.isHigh)
            #expect(!Self.isReadable(event))
            lines[0].setLevel(false)
            #expect(!router.isHigh)
            #expect(!Self.isReadable(event))
            lines[1].setLevel(true)
            #expect(router.isHigh)
            #expect(Self.isReadable(event))
        }
        // What was for the one is not for the next.
        router.whileWatched { event in #expect(!Self.isReadable(event)) }
    }

    @Test("as long as one line is high, interrupts are")
    func lines() throws {
        let router = try InterruptRouter()
        let lines = [5, 6].map { router.line(gsi: $0) }
        #expect(!router.isHigh)
        for line in lines { line.setLevel(true) }
        lines[0].setLevel(false)
        #expect(router.isHigh)
        lines[1].setLevel(false)
        #expect(!router.isHigh)
    }
}
