import DeviceModel

@testable import VMM

/// What must be true of every image, whatever is in it: it is refused in words, or it is loaded by the rules.
enum LoaderCheck {
    static let memorySize: UInt64 = 2 << 20

    /// Whether it was accepted, and the rule that it breaks then.
    struct Answer: Equatable {
        var isAccepted = false
        var brokenRule: String?
    }

    static func answer(to bytes: [UInt8], format: ImageFormat? = nil, into memory: GuestMemory) -> Answer {
        do throws(VMMError) {
            let source = ImageSource.bytes(bytes)
            let inspection = try ImageInspection(source, format: format, memorySize: memorySize)
            _ = inspection.memoryNeeded
            var configuration = MachineConfiguration(image: source)
            configuration.memorySize = memorySize
            configuration.commandLine = "some words"
            let plan = try MachinePlan(
                configuration, image: inspection, host: HostLimits(physicalAddressBits: 46, vcpuCount: 1))
            if let rule = brokenRule(plan.boot, fileSize: Int(inspection.size), memory) {
                return Answer(isAccepted: true, brokenRule: rule)
            }
            let image = try ImageReader.open(source, format: format, ImageLimits(memorySize: memorySize))
            do throws(ImageError) { try plan.boot.load(from: image, into: memory) } catch {
                return Answer(isAccepted: true, brokenRule: "what is planned can be loaded: \(error)")
            }
            return Answer(isAccepted: true)
        } catch {
            return Answer(brokenRule: error.description.isEmpty ? "words" : nil)
        }
    }

    /// In 128 bits, where nothing can wrap.
    private static func brokenRule(_ plan: BootPlan, fileSize: Int, _ memory: GuestMemory) -> String? {
        var places: [Range<UInt128>] = []
        var image: [Range<UInt128>] = []
        for piece in plan.pieces {
            let place = UInt128(piece.address)..<UInt128(piece.address) + UInt128(piece.memorySize)
            guard piece.fileSize <= piece.memorySize else { return "\(piece.name): sizes" }
            guard piece.memorySize == 0 || place.upperBound <= UInt128(memorySize) else { return "\(piece.name): RAM" }
            guard !places.contains(where: { $0.overlaps(place) }) else { return "\(piece.name): over another" }
            places.append(place)
            guard case .image(let offset, let count) = piece.content else { continue }
            guard UInt128(offset) + UInt128(count) <= UInt128(fileSize) else { return "\(piece.name): file" }
            image.append(place)
        }
        guard image.contains(where: { $0.contains(UInt128(plan.entry)) }) else { return "entry" }
        for word in plan.relocations?.words ?? [] {
            let place = UInt128(word.place &+ (plan.relocations?.shift ?? 0))
            let width = UInt128(plan.relocations?.fileClass == .elf64 ? 8 : 4)
            guard image.contains(where: { $0.lowerBound <= place && place + width <= $0.upperBound }) else {
                return "relocation"
            }
        }
        return nil
    }
}
