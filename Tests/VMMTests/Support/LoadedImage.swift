import DeviceModel
import KVM

@testable import VMM

/// An image that was put into guest memory without a machine.
struct LoadedImage {
    let loaded: LoadPlan
    let memory: GuestMemory

    init(
        _ source: ImageSource, format: ImageFormat? = nil, mode: CPUMode? = nil, memorySize: UInt64 = 2 << 20
    ) throws(VMMError) {
        memory = try GuestRAM.make(memorySize).memory
        loaded = try ImageLoader(memory: memory).load(source, format: format, mode: mode)
    }

    init(_ bytes: [UInt8], memorySize: UInt64 = 2 << 20) throws(VMMError) {
        try self.init(.bytes(bytes), memorySize: memorySize)
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
