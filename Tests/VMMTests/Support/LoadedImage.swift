import DeviceModel
import KVM

@testable import VMM

/// An image that was put into guest memory without a machine.
struct LoadedImage {
    let loaded: BootPlan
    let memory: GuestMemory

    init(
        _ source: ImageSource, format: ImageFormat? = nil, mode: CPUMode? = nil, memorySize: UInt64 = 2 << 20
    ) throws(VMMError) {
        memory = try GuestRAM.make(memorySize).memory
        loaded = try Self.load(source, format: format, mode: mode, into: memory)
    }

    init(_ bytes: [UInt8], memorySize: UInt64 = 2 << 20) throws(VMMError) {
        try self.init(.bytes(bytes), memorySize: memorySize)
    }

    /// Puts an image into memory, if it can be booted on a machine that has no other.
    static func load(
        _ source: ImageSource, format: ImageFormat? = nil, mode: CPUMode? = nil, into memory: GuestMemory
    ) throws(VMMError) -> BootPlan {
        let outcome: BootOutcome
        do throws(ImageError) {
            let image = try ImageReader(source)
            outcome = try ImageInspection(
                image, name: source.name, format: format, mode: mode, ram: memory.regions
            ).outcome
            if case .success(let plan) = outcome { try plan.load(from: image, into: memory) }
        } catch {
            throw .image(name: source.name, error)
        }
        return try outcome.get()
    }

    /// Why the image is refused, or nil.
    static func refusal(
        of source: ImageSource, format: ImageFormat? = nil, mode: CPUMode? = nil, memorySize: UInt64 = 2 << 20
    ) -> ImageError? {
        do throws(VMMError) {
            _ = try LoadedImage(source, format: format, mode: mode, memorySize: memorySize)
            return nil
        } catch {
            guard case .image(source.name, let reason) = error else { return nil }
            return reason
        }
    }

    static func refusal(of bytes: [UInt8], memorySize: UInt64 = 2 << 20) -> ImageError? {
        refusal(of: .bytes(bytes), memorySize: memorySize)
    }
}
