/// A number as it stands in data sheets: `0x3f8`.
func hex(_ value: some BinaryInteger) -> String {
    "0x" + String(value, radix: 16)
}
