import FoundationEssentials

/// The host that figures were measured on. No figure is told without it.
package struct ComparedHost: Encodable {
    let processor: String
    let processorCount: Int
    /// Its release.
    let kernel: String
    /// The kernel's modules of KVM.
    let kvmModules: [String]
    let kvmBackend: String
    let isNested: Bool
    /// Of one instruction of a counting loop, in nanoseconds; nil where it could not be measured.
    let ring0InstructionNanoseconds: Double?
    let ring3InstructionNanoseconds: Double?
    /// Of a port write that swiftvmm handles, there and back.
    let portExitNanoseconds: Double?

    /// This one, or a host of which all is told.
    package init(
        processor: String = thisProcessor, processorCount: Int = ProcessInfo.processInfo.activeProcessorCount,
        kernel: String = thisKernel, kvmModules: [String], kvmBackend: String, isNested: Bool,
        ring0InstructionNanoseconds: Double?, ring3InstructionNanoseconds: Double?, portExitNanoseconds: Double?
    ) {
        self.processor = processor
        self.processorCount = processorCount
        self.kernel = kernel
        self.kvmModules = kvmModules
        self.kvmBackend = kvmBackend
        self.isNested = isNested
        self.ring0InstructionNanoseconds = ring0InstructionNanoseconds
        self.ring3InstructionNanoseconds = ring3InstructionNanoseconds
        self.portExitNanoseconds = portExitNanoseconds
    }

    /// The processor and what runs on it; its KVM, and what an instruction and an exit cost a guest.
    var lines: [String] {
        let rings = [("ring 0", ring0InstructionNanoseconds), ("ring 3", ring3InstructionNanoseconds)]
            .compactMap { ring, time in time.map { "\(ShortNumber($0)) ns in \(ring)" } }
        let costs = [
            rings.isEmpty ? nil : "an instruction takes \(rings.joined(separator: ", "))",
            portExitNanoseconds.map { "a port exit \(ShortNumber($0 / 1000)) µs" },
        ].compactMap(\.self)
        let modules = kvmModules.isEmpty ? "built in" : kvmModules.joined(separator: ", ")
        return [
            "\(processor), \(processorCount) \(processorCount == 1 ? "CPU" : "CPUs"), Linux \(kernel)",
            "KVM: \(modules) (\(kvmBackend))\(isNested ? ", itself in a virtual machine" : "")"
                + (costs.isEmpty ? "" : "; \(costs.joined(separator: "; "))"),
        ]
    }

    /// The first one's name, as the kernel tells it.
    static func processor(in cpuInfo: String) -> String {
        let line = cpuInfo.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.drop { $0 != ":" }.dropFirst().split(separator: " ").joined(separator: " ") ?? ""
        return name.isEmpty ? "unknown processor" : name
    }

    package static var thisProcessor: String {
        processor(in: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
    }

    package static var thisKernel: String {
        let release = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
        return release.map { String($0.prefix { !$0.isNewline }) } ?? "unknown"
    }
}
