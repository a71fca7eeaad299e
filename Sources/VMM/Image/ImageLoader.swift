import DeviceModel

/// Puts an image into guest memory and says how to enter it.
struct ImageLoader {
    let memory: GuestMemory

    /// - Parameters:
    ///   - format: nil to go by the image's content.
    ///   - mode: for flat images, which cannot say it themselves; nil for real mode.
    func load(_ source: ImageSource, format: ImageFormat?, mode: CPUMode?) throws(VMMError) -> LoadPlan {
        let outcome: Result<LoadPlan, VMMError>
        do throws(ImageError) {
            let image = try ImageReader(source)
            outcome = try ImageInspection(
                image, name: source.name, format: format, mode: mode, ram: memory.regions
            ).outcome
            // Not before all of it is known to be right: a refused image leaves no trace.
            if case .success(let plan) = outcome {
                for piece in plan.pieces where piece.fileSize > 0 { try fill(image, piece) }
            }
        } catch {
            throw .image(name: source.name, error)
        }
        return try outcome.get()
    }

    /// Reads straight into guest memory. The plan has checked that the bytes are in the file and the place in RAM.
    private func fill(_ image: borrowing ImageReader, _ piece: LoadPlan.Piece) throws(ImageError) {
        var failure: ImageError?
        do throws(GuestMemoryError) {
            let count = Int(truncatingIfNeeded: piece.fileSize)
            try memory.withMutableBytes(at: GuestAddress(piece.address), count: count) { bytes in
                do throws(ImageError) {
                    try image.read(at: piece.fileOffset, into: &bytes, part: piece.name)
                } catch {
                    failure = error
                }
            }
        } catch {
            throw .larger(size: piece.fileSize, thanRoom: 0)
        }
        if let failure { throw failure }
    }
}
