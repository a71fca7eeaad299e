import DeviceModel

extension Virtqueue {
    /// Does what the specification's queue does, and shows what comes of it.
    mutating func perform(_ operation: SpecificationQueue.Operation) -> SpecificationQueue.Outcome {
        do throws(VirtqueueError) {
            switch operation {
            case .availableCount: return .count(try availableCount())
            case .nextChain:
                var chain = DescriptorChain()
                return try nextChain(into: &chain) ? .chain(SpecificationChain(chain)) : .nothing
            case .addUsed(let head, let written):
                try addUsed(head: head, written: written)
                return .done
            case .publish: return .answer(try publish())
            case .suppressNotifications:
                try suppressNotifications()
                return .done
            case .enableNotifications: return .answer(try enableNotifications())
            }
        } catch {
            return .error(error)
        }
    }
}
