import DeviceModel
import Testing
import VirtioDriver

@Suite("Making a virtqueue ready")
struct VirtqueueLayoutTests {
    /// RAM from 64 KiB to 192 KiB and, apart from it, at the very end of the address space.
    private func makeMemory() throws -> GuestMemory {
        try HostPages.makeMemory([(0x1_0000, 0x2_0000), (0xFFFF_FFFF_FFFF_F000, 0x1000)])
    }

    private let sound = VirtqueueLayout(
        size: 16, descriptorTable: GuestAddress(0x1_0000), availableRing: GuestAddress(0x1_1000),
        usedRing: GuestAddress(0x1_2000))

    /// What comes of the layout: nil if a queue was made.
    private func error(_ layout: VirtqueueLayout) throws -> VirtqueueError? {
        let memory = try makeMemory()
        do throws(VirtqueueError) {
            let queue = try Virtqueue(layout: layout, features: [], memory: memory)
            #expect(queue.layout == layout && UInt32(queue.size) == layout.size)
            return nil
        } catch {
            return error
        }
    }

    @Test("a size is a power of two of at most 32,768")
    func sizes() throws {
        let memory = try HostPages.makeMemory([(0, 4 << 20)])
        var accepted: [UInt32] = []
        for size in Array(0...70_000) + [0x8000_0000, 0x8000_0001, 0xFFFF_0000, .max] as [UInt32] {
            let layout = VirtqueueLayout(
                size: size, descriptorTable: GuestAddress(0), availableRing: GuestAddress(1 << 20),
                usedRing: GuestAddress(2 << 20))
            do throws(VirtqueueError) {
                _ = try Virtqueue(layout: layout, features: [], memory: memory)
                accepted.append(size)
            } catch {
                guard error == .size(size) else {
                    Issue.record("size \(size): \(error)")
                    return
                }
            }
        }
        #expect(accepted == (0...15).map { 1 << $0 })
    }

    @Test("parts at all addresses but multiples of 16, 2 and 4 are refused")
    func alignment() throws {
        for offset in 0..<32 as Range<UInt64> {
            for (part, alignment) in [(.descriptorTable, 16), (.availableRing, 2), (.usedRing, 4)]
                as [(VirtqueuePart, UInt64)]
            {
                let address = GuestAddress(0x1_4000 + offset)
                var layout = sound
                switch part {
                case .descriptorTable: layout.descriptorTable = address
                case .availableRing: layout.availableRing = address
                case .usedRing: layout.usedRing = address
                }
                #expect(try error(layout) == (offset % alignment == 0 ? nil : .misaligned(part, address)))
            }
        }
    }

    @Test(
        "a part may end with RAM and not a byte later",
        arguments: [(.descriptorTable, 256, 16), (.availableRing, 38, 2), (.usedRing, 134, 4)]
            as [(VirtqueuePart, UInt64, UInt64)])
    func outsideMemory(part: VirtqueuePart, count: UInt64, alignment: UInt64) throws {
        // The end of either region, the second one being where addresses wrap.
        for end in [0x3_0000, 0] as [UInt64] {
            let last = (end &- count) & ~(alignment - 1)
            for (address, isSound) in [(last, true), (last &+ alignment, false), (end &- alignment, false)] {
                var layout = sound
                switch part {
                case .descriptorTable: layout.descriptorTable = GuestAddress(address)
                case .availableRing: layout.availableRing = GuestAddress(address)
                case .usedRing: layout.usedRing = GuestAddress(address)
                }
                let refusal = VirtqueueError.ringNotInMemory(
                    part, .outOfBounds(address: GuestAddress(address), count: count))
                #expect(try error(layout) == (isSound ? nil : refusal))
            }
        }
    }

    @Test("where a region's end is no multiple of the alignment, its last bytes do not count")
    func unevenRegion() throws {
        let memory = try HostPages.makeMemory([(0, 0x1000), (0x2000, 37)])
        var layout = MockDriver.layout(size: 16, base: 0)
        layout.availableRing = GuestAddress(0x2000)
        #expect(
            throws: VirtqueueError.ringNotInMemory(
                .availableRing, .outOfBounds(address: GuestAddress(0x2000), count: 38))
        ) {
            _ = try Virtqueue(layout: layout, features: [], memory: memory)
        }
    }

    @Test("a saved position with more chains in flight than entries is refused")
    func positions() throws {
        let memory = try makeMemory()
        for used in [0, 1, 65_530] as [UInt16] {
            for inFlight in [0, 1, 15, 16, 17, 0x8000, .max] as [UInt16] {
                let position = VirtqueuePosition(available: used &+ inFlight, used: used)
                do throws(VirtqueueError) {
                    let queue = try Virtqueue(layout: sound, features: [], memory: memory, resumingAt: position)
                    #expect(inFlight <= 16 && queue.position == position)
                } catch {
                    #expect(inFlight > 16 && error == .position(position, size: 16))
                }
            }
        }
    }

    @Test("host memory that is not aligned is found out before an atomic access")
    func unalignedHost() throws {
        let memory = try HostPages.makeMemory([(1, 0x1000)])
        let layout = MockDriver.layout(size: 1, base: 0x10)
        var queue = try Virtqueue(layout: layout, features: [], memory: memory)
        let address = GuestAddress(layout.availableRing.rawValue + 2)
        #expect(throws: VirtqueueError.ringNotInMemory(.availableRing, .misaligned(address: address, alignment: 2))) {
            try queue.availableCount()
        }
    }
}
