import DeviceModel

/// What lies in the first 64 KiB when a guest is entered in protected or long mode.
enum BootTables {
    static func write(
        for mode: CPUMode, parameters: BootParameters, into memory: GuestMemory
    ) throws(GuestMemoryError) {
        guard mode != .real else { return }
        let descriptors = BootDescriptorTable.descriptors(for: mode)
        try memory.write(descriptors.span, at: GuestAddress(LowMemory.descriptorTable))
        // No I/O permission bitmap: its offset is the end of the segment (Intel SDM vol. 1 section 19.5.2).
        try memory.store(BootDescriptorTable.taskLimit + 1, at: GuestAddress(LowMemory.taskState + 0x66))
        guard mode == .long else { return }
        try memory.write(BootPageTables.words.span, at: GuestAddress(LowMemory.pageTables))
        try memory.write(parameters.bytes.span, at: GuestAddress(LowMemory.bootParameters))
        try memory.write(parameters.commandLine.span, at: GuestAddress(LowMemory.commandLine))
    }
}
