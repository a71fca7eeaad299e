import FoundationEssentials
import KVM
import VMM

/// The host that figures were measured on. No figure is told without it.
struct ComparedHost: Encodable {
    let processor: String
    let processorCount: Int
    /// Its release.
    let kernel: String
    /// The kernel's modules of KVM.
    let kvmModules: [String]
    let kvmBackEnd: String
    let isNested: Bool
    /// Of one instruction of a counting loop, in nanoseconds; nil where it could not be measured.
    let ring0InstructionNanoseconds: Double?
    let ring3InstructionNanoseconds: Double?
    /// Of a port write that swiftvmm handles, there and back.
    let portExitNanoseconds: Double?

    /// - Throws: where no guest can run here.
    init() throws(Failure) {
        let report: HostReport
        do throws(KVMError) {
            report = try HostTrials().report()
        } catch {
            throw Failure(status: ExitStatus(.kvm(error)), message: error.description)
        }
        if case .failure(let reason) = report.backend {
            throw Failure(status: .noKVM, message: "no guest can run here: \(reason)")
        }
        processor = Self.processor(in: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
        processorCount = ProcessInfo.processInfo.activeProcessorCount
        let release = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
        kernel = release.map { String($0.prefix { !$0.isNewline }) } ?? "unknown"
        kvmModules = report.modules
        kvmBackEnd = Self.name(report.backend)
        isNested = report.isNested
        ring0InstructionNanoseconds = Self.nanoseconds(report.ring0Instruction)
        ring3InstructionNanoseconds = Self.nanoseconds(report.ring3Instruction)
        portExitNanoseconds = Self.nanoseconds(report.portExit)
    }

    init(
        processor: String, processorCount: Int, kernel: String, kvmModules: [String], kvmBackEnd: String,
        isNested: Bool,
        ring0InstructionNanoseconds: Double?, ring3InstructionNanoseconds: Double?, portExitNanoseconds: Double?
    ) {
        self.processor = processor
        self.processorCount = processorCount
        self.kernel = kernel
        self.kvmModules = kvmModules
        self.kvmBackEnd = kvmBackEnd
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
            "KVM: \(modules) (\(kvmBackEnd))\(isNested ? ", itself in a virtual machine" : "")"
                + (costs.isEmpty ? "" : "; \(costs.joined(separator: "; "))"),
        ]
    }

    /// The first one's name, as the kernel tells it.
    static func processor(in cpuInfo: String) -> String {
        let line = cpuInfo.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.drop { $0 != ":" }.dropFirst().split(separator: " ").joined(separator: " ") ?? ""
        return name.isEmpty ? "unknown processor" : name
    }

    private static func name(_ backend: HostReport.Outcome<HostReport.Backend>) -> String {
        switch backend {
        case .success(.vtx): "VT-x"
        case .success(.amdV): "AMD-V"
        case .success(.software): "in software"
        case .success(.unknown), .failure: "unknown"
        }
    }

    private static func nanoseconds(_ cost: HostReport.Outcome<HostReport.Cost>) -> Double? {
        if case .success(.nanoseconds(let time)) = cost { time } else { nil }
    }
}
