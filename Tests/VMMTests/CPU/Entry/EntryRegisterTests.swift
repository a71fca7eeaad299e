import KVM
import Testing

@testable import VMM

/// A rule that holds for several segment registers is seen to hold for each.
@Suite("Entry: every segment register")
struct EntryRegisterTests {
    typealias Register = (name: String, path: WritableKeyPath<SpecialRegisters, Segment>)

    let data: [Register] = [("DS", \.ds), ("ES", \.es), ("FS", \.fs), ("GS", \.gs)]
    var codeAndData: [Register] { [("CS", \.cs), ("SS", \.ss)] + data }

    /// The beginning of the message about a state with one thing spoiled.
    private func expect(
        _ beginning: String, _ base: EntryCase.Base, _ path: WritableKeyPath<SpecialRegisters, Segment>,
        _ spoil: (inout Segment) -> Void
    ) {
        var state = EntryCase("", base) { _ in }.state
        spoil(&state.special[keyPath: path])
        let message = state.entryViolation()?.description ?? "passes"
        #expect(message.hasPrefix(beginning), "\(message)")
    }

    @Test("code and data: type, kind, limit, and a base within 4 GiB or canonical")
    func codeAndDataRules() {
        for (name, path) in codeAndData {
            expect("\(name) is a system segment", .protected, path) { $0.isCodeOrData = false }
            expect("\(name) has type \(name == "CS" ? 10 : 2);", .protected, path) { $0.type &= 0xE }
            expect("\(name) has base 0x800000000000;", .protected, path) { $0.base = 1 << 47 }
            expect("\(name) has limit 0xfffffffe counted in pages", .protected, path) { $0.limit &-= 1 }
            expect("\(name) has limit 0xffffffff counted in bytes", .protected, path) {
                $0.hasPageGranularity = false
            }
        }
    }

    @Test("data: readable, and not of a lower level than its selector asks for")
    func dataRules() {
        for (name, path) in data {
            expect("\(name) has type 9; a code segment as data must be readable", .long, path) { $0.type = 9 }
            expect("\(name) has privilege level 0 and selector 0x1b", .long, path) { $0.selector |= 3 }
        }
    }

    @Test("real and virtual-8086 mode: base, and in the latter limit and access rights")
    func lowModes() {
        for (name, path) in codeAndData {
            expect("\(name) has base 0x10 and selector 0x0", .real, path) { $0.base = 0x10 }
            expect("\(name) has base", .virtual8086, path) { $0.base &+= 16 }
            expect("\(name) has limit 0xfffe; in virtual-8086 mode", .virtual8086, path) { $0.limit = 0xFFFE }
            expect("\(name) has access rights 0xf2;", .virtual8086, path) { $0.type = 2 }
        }
    }

    @Test("system segments: limits")
    func systemSegments() {
        for (name, path) in [("TR", \.tr), ("LDTR", \.ldt)] as [Register] {
            expect("\(name) has limit 0x100000 counted in bytes", .long, path) {
                $0.isPresent = true
                $0.isUnusable = false
                $0.limit = 0x10_0000
            }
            expect("\(name) has limit 0x67 counted in pages", .long, path) {
                $0.isPresent = true
                $0.isUnusable = false
                $0.limit = 0x67
                $0.hasPageGranularity = true
            }
        }
    }

    @Test(
        "more type or level bits than a descriptor has",
        arguments: ["CS", "SS", "DS", "ES", "FS", "GS", "TR", "LDTR"])
    func surplusBits(name: String) throws {
        let all = codeAndData + [("TR", \.tr), ("LDTR", \.ldt)]
        let path = try #require(all.first { $0.name == name }).path
        expect("passes", .protected, path) { ($0.isPresent, $0.isUnusable) = (true, false) }
        expect("\(name) has type \(name == "CS" || name == "TR" ? 27 : name == "LDTR" ? 18 : 19); a d", .long, path) {
            ($0.isPresent, $0.isUnusable) = (true, false)
            $0.type |= 0x10
        }
        expect("\(name) has privilege level 4; a privilege level is 0 to 3", .long, path) {
            ($0.isPresent, $0.isUnusable) = (true, false)
            $0.privilegeLevel = 4
        }
    }
}
