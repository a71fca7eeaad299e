import DeviceModel
import Glibc
import TestSupport
import Testing

@testable import VMM

@Suite("Looking whether a configuration can be had")
struct ValidationTests {
    private static func faults(
        _ image: ImageSource = .bytes([0xF4]), readsFiles: Bool = true,
        _ configure: (inout MachineConfiguration) -> Void = { _ in }
    ) -> [String] {
        var configuration = MachineConfiguration(image: image)
        configure(&configuration)
        do throws(ConfigurationFaults) {
            try configuration.validate(readsFiles: readsFiles)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    private static func own(_ name: String, _ range: IORange) -> DeviceConfiguration {
        .custom(CustomDeviceConfiguration(name: name, range: range) { _ in POSTCode() })
    }

    @Test("all faults are told at once, in the order of the fields")
    func all() {
        let faults = Self.faults(.file("/nothing/guest")) {
            $0.memorySize = 5
            $0.vcpuCount = 256
            $0.timeout = .seconds(-1)
            $0.devices += [
                .uart(UARTConfiguration()), Self.own("a", .ports(0x900..<0x900)), Self.own("b", .ports(0xE9..<0xEA)),
                Self.own("c", .ports(0x900..<0x901)), Self.own("d", .ports(0x900..<0x902)),
                .virtioConsole(VirtioConsoleConfiguration(ports: [VirtioPortConfiguration(name: "/")])),
                Self.own("debug", .ports(0x910..<0x911)), .entropy(EntropyConfiguration()),
            ]
            $0.modules = [BootModule(.bytes([])), BootModule(.bytes([1]))]
        }
        #expect(
            faults == [
                "memory: 5 bytes of memory are too few; a machine needs at least 1M",
                "vcpus: 256 vCPUs are not to be had; a machine has 1 to 255",
                "devices[1]: two devices are called uart, and a machine has one; leave one out",
                "devices[2]: the device a has an empty range; give it at least one byte",
                "devices[3]: two devices cannot be at one place: debug and b have a part in common; choose another range",
                "devices[5]: two devices cannot be at one place: c and d have a part in common; choose another range",
                "devices[6]: \"/\" cannot be a port's name; give 1 to 64 letters, digits, '.', '_' and '-', first no '.'",
                "devices[7]: two devices are called debug; give one of them another name",
                "timeout: a machine cannot run for -1.0 seconds; give it a time above 0, or none",
                "modules[0]: cannot give the guest the file the image of 0 bytes in memory: the file is empty; give the file of a guest",
                "image: cannot boot /nothing/guest: No such file or directory; check its name",
            ])
    }

    @Test("what depends on the image is looked at, too, and not where no file is to be read")
    func ofImage() {
        func configure(_ configuration: inout MachineConfiguration) {
            configuration.mode = .long
            configuration.format = .flat
            configuration.sharedMemory = [
                SharedMemory(address: 0x100000, byteCount: 4096), SharedMemory(address: 5, byteCount: 1),
                SharedMemory(address: .max - 4095, byteCount: .max),
            ]
            configuration.modules = [BootModule(.bytes([1]))]
            configuration.commandLine = String(repeating: "x", count: 3000)
            configuration.vcpuCount = 0
        }
        let faults = Self.faults { configure(&$0) }
        let starts = [
            "vcpus: 0 vCPUs", "sharedMemory[1]: the shared memory of 1 bytes", "sharedMemory[2]: the shared memory of ",
            "sharedMemory[0]: the shared memory at 0x100000 lies over the image",
            "modules: this image's boot protocol hands over no other file", "commandLine: ",
        ]
        #expect(faults.count == starts.count, "\(faults)")
        for (fault, start) in zip(faults, starts) { #expect(fault.hasPrefix(start), "\(fault)") }
        let own = Self.faults(readsFiles: false) { configure(&$0) }
        #expect(own.map { $0.prefix(15) } == ["vcpus: 0 vCPUs ", "sharedMemory[1]", "sharedMemory[2]"])
        #expect(Self.faults(.file("/nothing"), readsFiles: false) == [])
        #expect(Self.faults() == [])
    }

    @Test("what is wrong for this image alone is told with the field that can be mended")
    func fields() {
        func key(_ configure: (inout MachineConfiguration) -> Void) -> [Substring] {
            Self.faults(.bytes([0xF4]), configure).map { $0.prefix { $0 != ":" } }
        }
        let (load, other) = (ImagePlace.address(0x8000), ImagePlace.address(5))
        #expect(key { $0.placement = FlatPlacement(load: load, entry: load) } == [])
        #expect(key { $0.placement = FlatPlacement(load: load, entry: other) } == ["entry"])
        #expect(key { $0.placement = FlatPlacement(entry: other) } == ["entry"])
        #expect(key { $0.placement = FlatPlacement(load: .address(1 << 40), entry: load) } == ["load"])
        #expect(key { $0.placement = FlatPlacement(load: .address(1 << 40)) } == ["load"])
        #expect(key { ($0.mode, $0.format) = (.long, .bootSector) } == ["mode"])
        #expect(key { ($0.mode, $0.format, $0.placement.load) = (.long, .bootSector, load) } == ["mode"])
        #expect(key { ($0.format, $0.placement.load) = (.bootSector, load) } == ["load"])
        #expect(key { $0.format = .elf } == ["image"])
    }

    @Test("shared memory that is not RAM is one fault, although it lies over the image, too")
    func sharedOnce() {
        let faults = Self.faults { $0.sharedMemory = [SharedMemory(address: 0x7000, byteCount: 4096)] }
        #expect(
            faults == [
                "sharedMemory[0]: the shared memory of 4096 bytes at 0x7000 is not RAM that the guest could use, or is shared twice; put it into 0x10000-0x9fbff or 0x100000-0x3ffffff"
            ])
    }

    @Test("it finds something exactly where there is no plan, and that first")
    func sameRules() throws {
        var random = SplitMix64(seed: 166)
        var (good, bad) = (0, 0)
        for _ in 0..<500 {
            let machine = MachineDescription.random(&random)
            var configuration = MachineConfiguration(machine, image: .bytes([0xF4]))
            // What is wrong with the image is no configuration's.
            (configuration.format, configuration.mode, configuration.placement) = (.flat, .long, FlatPlacement())
            var plan: MachinePlan?
            var reason: VMMError?
            do throws(VMMError) {
                let memory = configuration.memorySize.flatMap { $0 == 5 || $0 == .max ? nil : $0 }
                let image = try ImageInspection(.bytes([0xF4]), format: .flat, mode: .long, memorySize: memory)
                plan = try MachinePlan(configuration, image: image)
                good += 1
            } catch {
                reason = error
                bad += 1
            }
            do throws(ConfigurationFaults) {
                try configuration.validate()
                #expect(plan != nil)
            } catch {
                #expect(error.faults.first?.error == reason)
            }
        }
        #expect(good > 50 && bad > 50)
    }

    @Test("what can be read only once is left alone")
    func streams() throws {
        let pipe = TemporaryFile(making: { path in
            // SAFETY: a C string for the length of the call.
            unsafe mkfifo(path, 0o600)
        })
        #expect(Self.faults(.file(pipe.path)) { $0.modules = [BootModule(.file(pipe.path))] } == [])
    }
}
