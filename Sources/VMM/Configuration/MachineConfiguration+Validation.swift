import Glibc

extension MachineConfiguration {
    /// Looks whether a machine can be made of this on a host that has enough of everything; neither KVM nor a host's memory is needed. What
    /// only the making tells is not looked at: whether a disk can be opened, and what of an image comes through a pipe.
    ///
    /// ```swift
    /// do throws(ConfigurationFaults) { try configuration.validate() } catch { print(error) }
    /// ```
    ///
    /// - Parameter readsFiles: whether image and modules are looked at, too.
    /// - Throws: all that is wrong.
    public func validate(readsFiles: Bool = true) throws(ConfigurationFaults) {
        var ofImage = FaultList()
        var ofModules = FaultList()
        let image = readsFiles ? inspection(&ofImage) : nil
        let sizes = readsFiles ? moduleSizes(&ofModules) : nil
        var faults = FaultList()
        _ = MachinePlan(self, image, modules: sizes, host: .most, &faults)
        if let timeout, timeout <= .zero {
            // Such a machine is made all the same, and ends at once.
            let words = "a machine cannot run for \(timeout); give it a time above 0, or none"
            faults.add("timeout", .configuration(words))
        }
        faults.add(ofModules)
        faults.add(ofImage)
        try faults.end()
    }

    /// - Returns: nil for an image that cannot be booted, or would be read to its end.
    private func inspection(_ faults: inout FaultList) -> ImageInspection? {
        guard !image.isStream else { return nil }
        // One that no machine has is told of by itself.
        let memory = memorySize.flatMap { try? MemoryMap(size: $0, physicalAddressBits: HighMemory.widestAddress).size }
        func inspect(_ mode: CPUMode?, _ placement: FlatPlacement) throws(VMMError) -> ImageInspection {
            let inspection = try ImageInspection(
                image, format: format, mode: mode, placement: placement, memorySize: memory)
            _ = try inspection.outcome.get()
            return inspection
        }
        do throws(VMMError) { return try inspect(mode, placement) } catch {
            var key = "image"
            if case .configuration = error {
                // It is of the first of these without which there is nothing wrong.
                let withoutEntry = FlatPlacement(load: placement.load)
                let others = [
                    ("entry", mode, withoutEntry), ("load", mode, FlatPlacement()), ("mode", nil, FlatPlacement()),
                ]
                key = others.first { (try? inspect($0.1, $0.2)) != nil }?.0 ?? key
            }
            faults.add(key, error)
            return nil
        }
    }

    /// - Returns: nil where one is not known.
    private func moduleSizes(_ faults: inout FaultList) -> [UInt64]? {
        let sizes = modules.enumerated().map { number, module -> UInt64? in
            guard !module.source.isStream else { return nil }
            return faults.check("modules[\(number)]") { () throws(VMMError) in try open(module).size }
        }
        let known = sizes.compactMap(\.self)
        return known.count == sizes.count ? known : nil
    }
}

extension ImageSource {
    /// Whether it can be read once only.
    fileprivate var isStream: Bool {
        var status = stat()
        let isThere =
            switch self {
            case .bytes: false
            // SAFETY: the structure is the caller's own.
            case .descriptor(let descriptor, _): unsafe fstat(descriptor, &status) == 0
            // SAFETY: the same, and a C string for the length of the call.
            case .file(let path): unsafe stat(path, &status) == 0
            }
        return isThere && [S_IFIFO, S_IFSOCK].contains(status.st_mode & S_IFMT)
    }
}
