import DeviceModel
import Synchronization
import TestSupport
import Testing
import VMM

@Suite("A guest that goes by ACPI", .requiresKVM)
struct ACPIGuestTests {
    private static let list =
        ["RSDP", "FACP"].map { "\($0): checksum is right\n" }.joined() + "FACS: found\n"
        + ["DSDT", "APIC"].map { "\($0): checksum is right\n" }.joined() + "processor 0: local APIC 0\nok\n"

    private static func run(
        _ words: String, _ configure: (inout MachineConfiguration) -> Void = { _ in }
    ) throws -> GuestRun {
        try GuestRun(guest: "acpi-list.elf") {
            $0.commandLine = words
            $0.interruptControllers = .full
            configure(&$0)
        }
    }

    @Test("it resets the machine by the reset register, and tells of a panic by the panic port")
    func ends() throws {
        let reset = try Self.run("reset")
        #expect(reset.reason == .reset(.resetControl))
        let panic = try Self.run("panic")
        #expect(panic.reason == .panicked)
        #expect(panic.text == Self.list && reset.text == Self.list)
    }

    @Test("without interrupt controllers it finds no tables, and nobody can press its power button")
    func withoutTables() throws {
        let control = MachineControl()
        let run = try Self.run("") {
            $0.interruptControllers = .none
            $0.control = control
        }
        #expect(run.reason == .exited(status: 1))
        #expect(run.text == "no ACPI: run this with --irqchip full or split\n")
        #expect(!control.pressPowerButton())
    }

    @Test(
        "a press of the power button interrupts it, and it switches itself off",
        arguments: [
            InterruptControllers.full, .split,
        ])
    func powerButton(controllers: InterruptControllers) throws {
        let control = MachineControl()
        let output = ConsoleOutput()
        let wasTaken = Atomic(false)
        let presser = HostThread {
            _ = eventually { output.collected.count == (Self.list + "waiting\n").utf8.count }
            wasTaken.store(control.pressPowerButton(), ordering: .sequentiallyConsistent)
        }
        let run = try Self.run("button") {
            $0.interruptControllers = controllers
            $0.control = control
            $0.output = output
        }
        presser.join()
        #expect(run.reason == .poweredOff)
        #expect(run.text == Self.list + "waiting\npower button\n")
        let wasPressed = wasTaken.load(ordering: .sequentiallyConsistent)
        #expect(wasPressed)
    }
}
