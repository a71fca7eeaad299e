import DeviceModel

/// Buffers for tests of devices: one of 4,096 bytes for each descriptor, behind the queue's parts.
extension MockDriver {
    package static let bufferSize: UInt64 = 4096

    /// What came back.
    package struct Completion: Equatable {
        package var head: UInt16
        /// The bytes that the device says it wrote.
        package var bytes: [UInt8]

        package init(head: UInt16, bytes: [UInt8]) {
            (self.head, self.bytes) = (head, bytes)
        }
    }

    /// How much memory from `base` on a queue and its buffers need.
    package static func byteCount(size: UInt16) -> UInt64 {
        end(size: size, base: 0) + bufferSize * UInt64(size + 1)
    }

    /// Where the buffer of a descriptor lies.
    package func buffer(_ index: UInt16) -> UInt64 {
        let end = Self.end(size: UInt16(layout.size), base: layout.descriptorTable.rawValue)
        return (end + Self.bufferSize - 1) / Self.bufferSize * Self.bufferSize + Self.bufferSize * UInt64(index)
    }

    /// Offers a chain: a descriptor for each array to read, then one for each count to write.
    ///
    /// - Returns: its head, or nil when there are too few free descriptors.
    package mutating func add(readable: [[UInt8]], writable: [UInt32] = []) throws -> UInt16? {
        let count = readable.count + writable.count
        guard count > 0, count <= free.count else { return nil }
        let indices = Array(free.prefix(count))
        free.removeFirst(count)
        for (place, index) in indices.enumerated() {
            var descriptor = MockDescriptor(address: buffer(index), count: 0)
            if place < readable.count {
                let bytes = readable[place]
                try memory.write(bytes.span, at: GuestAddress(descriptor.address))
                descriptor.count = UInt32(bytes.count)
            } else {
                descriptor.count = writable[place - readable.count]
                descriptor.flags = MockDescriptor.write
            }
            if place + 1 < count {
                descriptor.flags |= MockDescriptor.next
                descriptor.next = indices[place + 1]
            }
            try set(index, descriptor)
        }
        chains[indices[0]] = indices
        try offer(indices[0])
        return indices[0]
    }

    /// Takes the next chain that came back, with what was written into it, and frees its descriptors.
    package mutating func takeBuffers() throws -> Completion? {
        guard let used = try takeUsed() else { return nil }
        let head = UInt16(truncatingIfNeeded: used.head)
        guard let indices = chains.removeValue(forKey: head) else { throw UnknownChain(head: used.head) }
        var bytes: [UInt8] = []
        for index in indices {
            let entry = layout.descriptorTable.rawValue + 16 * UInt64(index)
            guard try memory.load(UInt16.self, at: GuestAddress(entry + 12)) & MockDescriptor.write != 0 else {
                continue
            }
            var part = [UInt8](repeating: 0, count: Int(try memory.load(UInt32.self, at: GuestAddress(entry + 8))))
            var span = part.mutableSpan
            try memory.read(at: GuestAddress(buffer(index)), into: &span)
            bytes += part
        }
        free += indices
        return Completion(head: head, bytes: Array(bytes.prefix(Int(used.written))))
    }

    /// The device gave back what was not offered.
    package struct UnknownChain: Error {
        package var head: UInt32
    }
}
