import CKVM
import Glibc
import LinuxHost
import SystemPackage

/// The memory that a vCPU shares with the kernel: `kvm_run`, and the data of port exits behind it
/// (Linux api.rst section 5).
@safe struct RunPage: ~Copyable {
    private let run: UnsafeMutablePointer<kvm_run>
    private let size: Int

    init(descriptor: borrowing OwnedDescriptor, size: Int) throws(KVMError) {
        guard size >= MemoryLayout<kvm_run>.size else {
            throw .call("map a vCPU's run page of \(size) bytes", .invalidArgument)
        }
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.number, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .call("map a vCPU's run page", .current)
        }
        // SAFETY: the mapping is page-aligned and at least as large as kvm_run, which the kernel keeps there.
        unsafe run = address.assumingMemoryBound(to: kvm_run.self)
        self.size = size
    }

    deinit {
        // SAFETY: this value owns the mapping, and gives its address to nobody.
        unsafe munmap(run, size)
    }

    /// - Returns: 0, or a negative error number.
    func run(_ descriptor: borrowing OwnedDescriptor) -> Int {
        // SAFETY: the page is this vCPU's and stays mapped during the call.
        unsafe ckvm_run(descriptor.number, run)
    }

    /// Completes the last exit without entering the guest.
    ///
    /// - Returns: 0, or a negative error number.
    func finishExit(_ descriptor: borrowing OwnedDescriptor) -> Int {
        // SAFETY: as in `run`.
        unsafe ckvm_finish_exit(descriptor.number, run)
    }

    /// The last exit, decoded.
    var exit: VCPUExit {
        // SAFETY: the page is mapped, and the kernel does not write it outside a run; the shims read the member of the
        // union that the reason selects.
        switch Int32(truncatingIfNeeded: unsafe run.pointee.exit_reason) {
        case KVM_EXIT_IO: portExit
        case KVM_EXIT_MMIO: mmioExit
        case KVM_EXIT_HLT: .halt
        case KVM_EXIT_SHUTDOWN: .shutdown
        case KVM_EXIT_INTR: .interrupted
        case KVM_EXIT_FAIL_ENTRY:
            .entryFailure(reason: unsafe ckvm_entry_failure(run).reason, cpu: unsafe ckvm_entry_failure(run).cpu)
        case KVM_EXIT_INTERNAL_ERROR: internalError
        case KVM_EXIT_X86_RDMSR: .msrRead(index: unsafe ckvm_msr_exit(run).index)
        case KVM_EXIT_X86_WRMSR:
            .msrWrite(index: unsafe ckvm_msr_exit(run).index, value: unsafe ckvm_msr_exit(run).value)
        case KVM_EXIT_SYSTEM_EVENT: .systemEvent(type: unsafe ckvm_system_event(run))
        case KVM_EXIT_IOAPIC_EOI: .endOfInterrupt(vector: unsafe ckvm_ended_interrupt(run))
        case KVM_EXIT_DEBUG:
            .debug(
                exception: unsafe ckvm_debug_exit(run).exception,
                instructionAddress: unsafe ckvm_debug_exit(run).instruction_address)
        case KVM_EXIT_IRQ_WINDOW_OPEN: .interruptWindowOpen
        case KVM_EXIT_NMI: .nonMaskableInterrupt
        case KVM_EXIT_UNKNOWN: .unknownHardware(reason: unsafe ckvm_unknown_hardware_reason(run))
        case let reason: .unknown(reason: UInt32(truncatingIfNeeded: reason))
        }
    }

    private var portExit: VCPUExit {
        // SAFETY: as in `exit`.
        let port = unsafe ckvm_port_exit(run)
        let access = PortAccess(port: port.port, width: port.width, count: port.count)
        return port.is_write != 0 ? .portWrite(access) : .portRead(access)
    }

    private var mmioExit: VCPUExit {
        // SAFETY: as in `exit`.
        let mmio = unsafe ckvm_mmio_exit(run)
        return mmio.is_write != 0
            ? .mmioWrite(address: mmio.address, width: mmio.length, value: mmio.value)
            : .mmioRead(address: mmio.address, width: mmio.length)
    }

    private var internalError: VCPUExit {
        // SAFETY: as in `exit`.
        let error = unsafe ckvm_internal_error(run)
        return .internalError(
            suberror: error.suberror,
            instruction: InstructionBytes(
                low: error.instruction_low, high: error.instruction_high, count: Int(error.instruction_count)))
    }

    /// - Parameter isThere: false to give nothing, whatever the page holds.
    func withPortData<Result>(isThere: Bool = true, _ body: (inout MutableSpan<UInt8>) -> Result) -> Result {
        // SAFETY: the page is mapped; the offset and the length come from the kernel and are checked against it all the
        // same; the span lives as long as the call.
        var offset = 0
        var length = 0
        if isThere, unsafe Int32(truncatingIfNeeded: run.pointee.exit_reason) == KVM_EXIT_IO {
            let port = unsafe ckvm_port_exit(run)
            let (bytes, overflow) = UInt64(port.count).multipliedReportingOverflow(by: UInt64(port.width))
            if !overflow, bytes <= UInt64(size), port.data_offset <= UInt64(size) - bytes {
                offset = Int(port.data_offset)
                length = Int(bytes)
            }
        }
        let start = unsafe UnsafeMutableRawPointer(run).advanced(by: offset).assumingMemoryBound(to: UInt8.self)
        var span = unsafe MutableSpan<UInt8>(_unsafeStart: start, count: length)
        return body(&span)
    }

    func refuseMSR() {
        // SAFETY: as in `exit`; the shim writes the error of the MSR member, which is only asked for after such an exit.
        unsafe ckvm_refuse_msr(run)
    }

    func answerMMIORead(_ value: UInt64) {
        // SAFETY: as in `exit`; the shim writes the eight data bytes of the MMIO member.
        unsafe ckvm_answer_mmio_read(run, value)
    }
}
