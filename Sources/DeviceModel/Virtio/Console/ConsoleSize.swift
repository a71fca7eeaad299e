/// The size of a console, in characters; 0 where it is not known.
package struct ConsoleSize: Hashable, Sendable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }

    /// `le16 cols; le16 rows`, as the configuration space and a RESIZE message have them (VIRTIO 1.2 §5.3.4, §5.3.6.2).
    package var bytes: [UInt8] {
        [columns, rows].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 &>> 8)] }
    }
}
