import FoundationEssentials
import TestSupport
import Testing

@testable import swiftvmm

@Suite("The manual page")
struct ManualTests {
    @Test("docs/swiftvmm.1 is what scripts/manual makes of the parser's description")
    func isUpToDate() throws {
        let page = ManualPage(try .root, version: RootCommand.version).text
        let path = "\(Checkout.root)/docs/swiftvmm.1"
        if ProcessInfo.processInfo.environment["SWIFTVMM_WRITE_MANUAL"] != nil {
            try Data(page.utf8).write(to: URL(filePath: path))
        }
        let kept = String(decoding: try Scratch.contents(ofFile: path), as: UTF8.self)
        #expect(kept == page, "run scripts/manual")
    }

    @Test("it has every command and every option of run, with its values")
    func isWhole() throws {
        let page = ManualPage(try .root, version: RootCommand.version).text
        for command in ["run", "inspect", "doctor", "compare all", "compare memory"] {
            #expect(page.contains("\n.SS \"swiftvmm \(command)\"\n"), "\(command)")
        }
        for (name, _) in RunWords.actions {
            let word = name.replacing("-", with: "\\-")
            #expect(page.contains("\n.TP\n\\fB\\-\\-\(word)\\fR"), "\(name)")
        }
        #expect(page.contains("\nValues: real, protected, long.\n"))
        #expect(!page.contains("write\\-payload"))
    }
}
