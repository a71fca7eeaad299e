import Testing

@testable import Comparison

@Suite("What makes a subject of compare fail")
struct SubjectOutcomeTests {
    private func failure(
        _ output: [UInt8], asked: UInt64, status: Int32 = 0, errors: String = ""
    ) -> ComparisonError? {
        var check = PayloadCheck(reach: 4096)
        if !output.isEmpty { check.add(output.span) }
        let outcome = SubjectOutcome(
            subject: ConsoleSubject(technique: .hypercall, buffer: 64), byteCount: asked, status: status,
            errors: errors, check: check)
        do throws(ComparisonError) {
            try outcome.verify()
            return nil
        } catch {
            return error
        }
    }

    private let payload = Array(ConsolePayload.pattern(reach: 1)[..<1000])

    @Test("all bytes and status 0 pass")
    func passes() {
        #expect(failure(payload, asked: 1000) == nil)
    }

    @Test("a byte less, and a byte more, even a right one")
    func length() {
        #expect(
            failure(payload.dropLast(), asked: 1000)
                == .fault("hypercall, 64 B: 999 bytes of its output arrived, not 1000"))
        #expect(failure(payload, asked: 999) == .fault("hypercall, 64 B: its output has more than 999 bytes"))
        #expect(failure([], asked: 1) == .fault("hypercall, 64 B: 0 bytes of its output arrived, not 1"))
    }

    @Test("a wrong byte is told with its place, and text with its words")
    func wrongByte() {
        var wrong = payload
        wrong[500] = 0
        #expect(
            failure(wrong, asked: 1000)
                == .fault("hypercall, 64 B: byte 500 of its output is 0x0, not 0x\(String(payload[500], radix: 16))"))
        let message = failure(payload[..<10] + Array("no such device\n".utf8), asked: 1000)?.message ?? ""
        #expect(message.hasPrefix("hypercall, 64 B: byte 10 of its output is 0x6e, not 0x"))
        #expect(message.hasSuffix("; it printed \"no such device\""))
    }

    @Test("another status, with the last words; 66 and 69 are handed on")
    func status() {
        let errors = "something\nswiftvmm: the guest ended with status 3\n"
        let failed = failure(payload, asked: 1000, status: 3, errors: errors)
        #expect(failed == .fault("hypercall, 64 B failed: the guest ended with status 3"))
        #expect(failure([], asked: 1, status: 137) == .fault("hypercall, 64 B failed: status 137"))
        #expect(
            failure([], asked: 1, status: 69, errors: "swiftvmm: no KVM\n") == .kvm("hypercall, 64 B failed: no KVM"))
        #expect(
            failure([], asked: 1, status: 66, errors: "swiftvmm: no image\n")
                == .image("hypercall, 64 B failed: no image"))
    }
}
