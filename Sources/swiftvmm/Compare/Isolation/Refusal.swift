/// Why something cannot be measured here, in words.
struct Refusal: Error {
    let reason: String
}
