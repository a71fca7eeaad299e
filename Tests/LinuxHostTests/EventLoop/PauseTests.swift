import Glibc
import LinuxHost
import TestSupport
import Testing

@Suite("Devices that are paused")
struct PauseTests {
    @Test("what is handed in and what comes meanwhile is done after, and control goes on")
    func after() throws {
        let (device, control) = (try SharedEvent(), try SharedEvent())
        let pipe = Ends.pipe()
        try withLoop { loop in
            let (devices, controls) = (Record<String>(), Record<String>())
            try loop.watch(device.number) { devices.append("event \(device.take())") }
            try loop.watch(control.number, .control) { controls.append("event \(control.take())") }
            let input = try loop.watch(input: pipe.first.number) { devices.append("input") }
            #expect(loop.settle(.devices))
            loop.pauseDevices()
            loop.post { devices.append("work") }
            loop.after(0) { devices.append("timer") }
            device.signal()
            device.signal()
            input.arm()
            pipe.second.write([1])
            loop.post(.control) { controls.append("work") }
            try #require(controls.reaches(1))
            loop.after(1_000_000, .control) { controls.append("timer") }
            try #require(controls.reaches(2))
            control.signal()
            try #require(controls.reaches(3))
            #expect(loop.settle())
            #expect(controls.all == ["work", "timer", "event 1"])
            #expect(devices.all == [])
            loop.resumeDevices()
            try #require(devices.reaches(4))
            #expect(loop.settle(.devices))
            #expect(devices.all.sorted() == ["event 2", "input", "timer", "work"])
            for number in [device.number, control.number, pipe.first.number] { loop.unwatch(number) }
        }
    }

    @Test("as many times as they were paused they must be resumed")
    func nested() throws {
        try withLoop { loop in
            let record = Record<Int>()
            for _ in 0..<3 { loop.pauseDevices() }
            loop.post { record.append(1) }
            for _ in 0..<2 {
                loop.resumeDevices()
                #expect(loop.settle())
                #expect(record.count == 0)
            }
            loop.resumeDevices()
            #expect(record.reaches(1))
        }
    }

    @Test("whoever pauses waits for the handler that is under way, of whichever kind it is", arguments: [true, false])
    func waits(isWatch: Bool) throws {
        let event = try SharedEvent()
        try withLoop { loop in
            let (begun, mayEnd) = (Gate(), Gate())
            let record = Record<String>()
            let handler: EventLoop.Work = {
                _ = event.take()
                begun.open()
                mayEnd.wait()
                record.append("handler")
            }
            if isWatch {
                try loop.watch(event.number, .devices, handler)
                event.signal()
            } else {
                loop.post(.devices, handler)
            }
            #expect(begun.wait())
            let pauser = HostThread {
                loop.pauseDevices()
                record.append("paused")
            }
            usleep(20_000)
            #expect(record.all == [])
            mayEnd.open()
            pauser.join()
            #expect(record.all == ["handler", "paused"])
            loop.resumeDevices()
            #expect(loop.settle(.devices))
            loop.unwatch(event.number)
        }
    }

    @Test("whoever pauses does not wait for a handler that controls the machine")
    func doesNotWait() throws {
        try withLoop { loop in
            let (begun, mayEnd) = (Gate(), Gate())
            loop.post(.control) {
                begun.open()
                mayEnd.wait()
            }
            #expect(begun.wait())
            loop.pauseDevices()
            loop.resumeDevices()
            mayEnd.open()
        }
    }

    @Test("a handler that controls the machine pauses at once, and what waits behind it waits on")
    func fromHandler() throws {
        try withLoop { loop in
            let gate = try loop.hold()
            let (devices, controls) = (Record<Int>(), Record<Int>())
            loop.post { devices.append(1) }
            loop.post(.control) {
                loop.pauseDevices()
                controls.append(devices.count)
            }
            loop.post(.control) { controls.append(devices.count) }
            loop.post { devices.append(2) }
            gate.open()
            try #require(controls.reaches(2))
            #expect(loop.settle())
            #expect(devices.all == [])
            loop.resumeDevices()
            try #require(devices.reaches(2))
            #expect(devices.all == [1, 2])
        }
    }

    @Test("before the start and after the end, too, nobody waits")
    func notRunning() throws {
        let loop = try EventLoop()
        let record = Record<Int>()
        loop.post { record.append(1) }
        loop.pauseDevices()
        try loop.start()
        loop.waitUntilStarted()
        #expect(loop.settle())
        #expect(record.count == 0)
        loop.resumeDevices()
        #expect(record.reaches(1))
        #expect(loop.end(patience: patience))
        loop.pauseDevices()
        loop.resumeDevices()
    }

    @Test("a loop ends although its devices are paused")
    func ends() throws {
        let loop = try EventLoop()
        let record = Record<Int>()
        try loop.start()
        loop.pauseDevices()
        loop.post { record.append(1) }
        loop.after(0) { record.append(2) }
        #expect(loop.settle())
        #expect(loop.end(patience: patience))
        loop.resumeDevices()
        #expect(record.count == 0)
    }
}
