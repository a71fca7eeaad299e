import DeviceModel
import FoundationEssentials
import TestSupport
import Testing

@testable import VMM

@Suite("A configuration as a file describes it")
struct ConfigurationCodingTests {
    private static func decode(_ text: String) throws -> MachineConfiguration {
        try JSONDecoder().decode(MachineConfiguration.self, from: Data(text.utf8))
    }

    private static func encode(_ configuration: MachineConfiguration) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(configuration), as: UTF8.self)
    }

    /// What would be made of it, or the first thing that is wrong.
    private static func plan(_ configuration: MachineConfiguration) -> Result<MachinePlan, VMMError> {
        Result { () throws(VMMError) in
            try MachinePlan(configuration, image: ImageInspection(.bytes([0xF4]), mode: .long))
        }
    }

    @Test("what was encoded is decoded as it was, and makes the same machine")
    func roundTrip() throws {
        var random = SplitMix64(seed: 165)
        var plans = 0
        for _ in 0..<300 {
            let machine = MachineDescription.random(&random)
            let configuration = MachineConfiguration(machine, image: .file(machine.image ?? ""))
            let data = try JSONEncoder().encode(configuration)
            #expect(try JSONDecoder().decode(MachineDescription.self, from: data) == machine)
            let decoded = try JSONDecoder().decode(MachineConfiguration.self, from: data)
            let plan = Self.plan(decoded)
            #expect(plan == Self.plan(configuration))
            if case .success = plan { plans += 1 }
        }
        #expect(plans > 30)
    }

    @Test("what is left out is as it is without a file")
    func defaults() throws {
        let configuration = try Self.decode("{\"image\": \"guest\", \"format\": null}")
        let plain = MachineConfiguration(image: .file("guest"))
        #expect(try Self.encode(configuration) == Self.encode(plain))
        #expect(Self.plan(configuration) == Self.plan(plain))
        #expect(configuration.timeout == nil)
    }

    @Test("all that it can say is read")
    func whole() throws {
        let configuration = try Self.decode(
            """
            {"image": "guest", "format": "flat", "mode": "long", "load": "0x200000", "entry": 2097153, "memory": "8M",
             "modules": [{"path": "a b", "arguments": "c d"}, {"path": "e"}], "vcpus": 2, "commandLine": "f",
             "interruptControllers": "split", "eventfds": false, "timeout": 1.5,
             "devices": [{"kind": "disk", "path": "g", "readOnly": true}, {"kind": "rng"},
                         {"kind": "serial", "port": "com2", "coalescing": false},
                         {"kind": "virtio-console", "ports": ["h"]}]}
            """)
        #expect(configuration.image == .file("guest"))
        #expect(configuration.format == .flat)
        #expect(configuration.mode == .long)
        #expect(configuration.placement == FlatPlacement(load: .address(0x200000), entry: .address(0x200001)))
        #expect(configuration.memorySize == 8 << 20)
        #expect(configuration.modules == [BootModule(.file("a b"), arguments: "c d"), BootModule(.file("e"))])
        #expect(configuration.vcpuCount == 2)
        #expect(configuration.commandLine == "f")
        #expect(configuration.interruptControllers == .split)
        #expect(!configuration.usesEventFDs)
        #expect(configuration.timeout == .milliseconds(1500))
        #expect(configuration.devices.count == 4)
        guard case .disk(let disk) = configuration.devices[0], case .uart(let serial) = configuration.devices[2],
            case .virtioConsole(let console) = configuration.devices[3]
        else {
            Issue.record("other devices")
            return
        }
        #expect((disk.path, disk.isReadOnly) == ("g", true))
        #expect((serial.port, serial.coalescesOutput) == (.com2, false))
        #expect(console.ports.map(\.name) == ["h"])
    }

    /// Members beside the image, and what is said of them.
    static let wrong: [(members: String, faults: [String])] = [
        ("\"memroy\": 5", ["there is no key \"memroy\" here; the keys are image, format, mode, load, entry, memory, "]),
        ("\"memory\": \"5X\"", ["memory: the value \"5X\" is invalid: it is not an amount of memory; give bytes, or"]),
        (
            "\"memory\": \"99999999999T\"",
            ["memory: the value \"99999999999T\" is invalid: it is more than any machine"]
        ),
        ("\"memory\": -1", ["memory: the value -1 is invalid: it is not an amount of memory; give bytes, or text"]),
        ("\"memory\": 1e30", ["memory: the value 1e+30 is invalid: it is not an amount of memory"]),
        ("\"memory\": true", ["memory: the value true is invalid: it is not an amount of memory"]),
        ("\"vcpus\": 1.5", ["vcpus: the value 1.5 is invalid: it is not a number of vCPUs; give 1 to 255"]),
        ("\"vcpus\": 18446744073709551615", ["vcpus: the value 18446744073709551615 is invalid: it is not a number"]),
        ("\"vcpus\": \"2\"", ["vcpus: the value \"2\" is invalid: it is not a number of vCPUs"]),
        ("\"mode\": \"lang\"", ["mode: the value \"lang\" is invalid: it is none of real, protected and long"]),
        ("\"mode\": 64", ["mode: the value 64 is invalid: it is not one of \"real\", \"protected\", \"long\""]),
        (
            "\"format\": \"exe\"",
            ["format: the value \"exe\" is invalid: it is none of flat, boot-sector, elf, linux, "]
        ),
        (
            "\"interruptControllers\": \"apic\"",
            ["interruptControllers: the value \"apic\" is invalid: it is none of auto"]
        ),
        ("\"load\": \"1:2:3\"", ["load: the value \"1:2:3\" is invalid: it is no place in memory; give an address"]),
        ("\"entry\": -5", ["entry: the value -5 is invalid: it is not a place in memory"]),
        ("\"commandLine\": [\"a\"]", ["commandLine: the value […] is invalid: it is not a text, in quotes"]),
        ("\"eventfds\": 1", ["eventfds: the value 1 is invalid: it is not true or false"]),
        (
            "\"timeout\": 0",
            ["timeout: the value 0 is invalid: it is not a number of seconds above 0 and below 1000000000"]
        ),
        ("\"timeout\": \"5\"", ["timeout: the value \"5\" is invalid: it is not a number of seconds"]),
        ("\"modules\": \"a\"", ["modules: the value \"a\" is invalid: it is not a list of objects"]),
        (
            "\"modules\": [{}, {\"path\": \"\", \"arguments\": 1}]",
            [
                "modules[0].path: it is missing; give the path of a file",
                "modules[1].path: the value \"\" is invalid: it is not the path of a file",
                "modules[1].arguments: the value 1 is invalid: it is not a text, in quotes",
            ]
        ),
        (
            "\"devices\": {}",
            ["devices: the value {…} is invalid: it is not a list of objects, as [{\"kind\": \"serial\"}]"]
        ),
        (
            "\"devices\": [1, {\"kind\": \"disc\", \"path\": 2}, {\"path\": \"a\"}, {\"kind\": \"disk\"}]",
            [
                "devices[0]: the value 1 is invalid: it is not an object",
                "devices[1].kind: the value \"disc\" is invalid: it is none of serial, virtio-console, disk and rng",
                "devices[2].kind: it is missing; give one of serial, virtio-console, disk, rng",
                "devices[3].path: it is missing; give the path of a file",
            ]
        ),
        (
            "\"devices\": [{\"kind\": \"rng\", \"path\": 1}, {\"kind\": \"serial\", \"port\": \"com3\", \"baud\": 9600}]",
            [
                "devices[0]: there is no key \"path\" here; the keys are kind",
                "devices[1].port: the value \"com3\" is invalid: it is none of com1 and com2",
                "devices[1]: there is no key \"baud\" here; the keys are kind, port, coalescing",
            ]
        ),
        (
            "\"devices\": [{\"kind\": \"virtio-console\", \"ports\": [1]}]",
            ["devices[0].ports: the value […] is invalid: it is not a list of names, as [\"log\"]"]
        ),
        (
            "\"vcpus\": [], \"image\": 5, \"memory\": \"M\"",
            [
                "image: the value 5 is invalid: it is not the path of a file", "memory: the value \"M\" is invalid",
                "vcpus: the value […] is invalid",
            ]
        ),
    ]

    @Test("all that is wrong is told, with key, value and what is allowed", arguments: wrong)
    func wrongValues(members: String, faults: [String]) throws {
        let image = members.contains("image") ? "" : "\"image\": \"guest\", "
        let error = try #require(throws: ConfigurationFaults.self) { try Self.decode("{\(image)\(members)}") }
        #expect(error.faults.count == faults.count, "\(error)")
        for (fault, start) in zip(error.faults, faults) { #expect(fault.description.hasPrefix(start), "\(fault)") }
        #expect(error.description == error.faults.map(\.description).joined(separator: "\n"))
    }

    @Test("without an image it is none, and what is no object describes nothing")
    func noMachine() throws {
        let missing = try #require(throws: ConfigurationFaults.self) { try Self.decode("{}") }
        #expect(missing.description == "image: it is missing; give the path of the guest")
        let list = try #require(throws: ConfigurationFaults.self) { try Self.decode("[]") }
        #expect(list.description.hasPrefix("it describes no machine; give an object"))
        let long = String(repeating: "x", count: 1000)
        let cut = try #require(throws: ConfigurationFaults.self) { try Self.decode("{\"memory\": \"\(long)\"}") }
        #expect(cut.description.count < 400)
    }

    @Test("what belongs to a program is refused in words, and not left out")
    func notDescribed() throws {
        typealias Change = (inout MachineConfiguration) -> Void
        let rows: [(String, Change)] = [
            ("the image of 1 bytes in memory", { $0.image = .bytes([1]) }),
            ("standard input", { $0.image = .descriptor(0, name: "standard input") }),
            ("the image of 2 bytes in memory", { $0.modules = [BootModule(.bytes([1, 2]))] }),
            ("shared memory", { $0.sharedMemory = [SharedMemory(address: 0x200000, byteCount: 4096)] }),
            ("a function that changes the guest's first state", { $0.adjustState = { $0.registers.rax = 1 } }),
            (
                "the device bell",
                {
                    $0.devices.append(
                        .custom(CustomDeviceConfiguration(name: "bell", range: .ports(1..<2)) { _ in POSTCode() }))
                }
            ),
        ]
        for (what, change) in rows {
            var configuration = MachineConfiguration(image: .file("guest"))
            change(&configuration)
            #expect {
                _ = try JSONEncoder().encode(configuration)
            } throws: { error in
                guard case EncodingError.invalidValue(_, let context)? = error as? EncodingError else { return false }
                return context.debugDescription
                    == "\(what) belongs to this program, and no file can describe it; leave it out"
            }
        }
    }

    @Test("what is a program's own, and no part of the machine, is left out")
    func live() throws {
        var configuration = MachineConfiguration(image: .file("guest"), output: .discarding())
        let plain = try Self.encode(configuration)
        configuration.input = ConsoleInput([1])
        configuration.control = MachineControl()
        configuration.onThreadStart = { _ in }
        configuration.deadline = Deadline(after: .seconds(1))
        configuration.devices = [.uart(UARTConfiguration(output: .discarding(), input: ConsoleInput([])))]
        #expect(try Self.encode(configuration) == plain)
    }
}
