extension MemorySize {
    /// In the largest unit that it is a whole number of, as people write it.
    init(exactly bytes: UInt64) {
        let units: [(name: String, shift: UInt64)] = [("T", 40), ("G", 30), ("M", 20), ("K", 10)]
        let unit = units.first { bytes > 0 && bytes.trailingZeroBitCount >= $0.shift }
        self.init(bytes: bytes, description: "\(bytes >> (unit?.shift ?? 0))\(unit?.name ?? "")")
    }
}
