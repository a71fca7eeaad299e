import DeviceModel
import Synchronization

/// Gives a device the bytes it was made with, and remembers how many the device had room for each time.
final class ByteQueue: ByteSource {
    private let state: Mutex<(waiting: ArraySlice<UInt8>, rooms: [Int])>

    init(_ bytes: [UInt8]) {
        state = Mutex((bytes[...], []))
    }

    var waiting: [UInt8] {
        state.withLock { Array($0.waiting) }
    }

    var rooms: [Int] {
        state.withLock { $0.rooms }
    }

    func read(upTo room: Int, _ receive: (UInt8) -> Void) {
        state.withLock { state in
            state.rooms.append(room)
            for byte in state.waiting.prefix(room) {
                receive(byte)
            }
            state.waiting = state.waiting.dropFirst(room)
        }
    }
}
