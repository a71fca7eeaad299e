import TestSupport
import Testing

@Suite("Completion in bash")
struct CompletionTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        for name in ["guest.bin", "guest.elf", "notes"] { try scratch.write([], to: name) }
        try scratch.makeFolder("tables")
        try scratch.write(Array(Self.script.utf8), to: "complete.bash")
    }

    /// As bash calls the function when Tab is pressed at the end of a line.
    private static let script = """
        source <("$1" --generate-completion-script bash)
        COMP_LINE=$2 COMP_POINT=${#2}
        read -ra COMP_WORDS <<<"$2"
        if [[ $2 == *" " ]]; then COMP_WORDS+=(""); fi
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        function=$(complete -p swiftvmm | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        "$function" swiftvmm "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
        """

    struct Row: Sendable, CustomTestStringConvertible {
        /// Up to the cursor.
        let line: String
        let words: [String]

        init(_ line: String, _ words: String...) {
            (self.line, self.words) = (line, words)
        }

        var testDescription: String { line }
    }

    static let rows = [
        Row("swiftvmm r", "run"),
        Row("swiftvmm compare s", "startup"),
        Row("swiftvmm run gu", "guest.bin", "guest.elf"),
        Row("swiftvmm inspect n", "notes"),
        Row("swiftvmm run guest.bin --no-", "--no-coalescing", "--no-eventfd"),
        Row("swiftvmm run guest.bin --mo", "--mode"),
        Row("swiftvmm run guest.bin --mode ", "long", "protected", "real"),
        Row("swiftvmm run guest.bin --format multi", "multiboot", "multiboot2"),
        Row("swiftvmm run guest.bin --irqchip ", "auto", "full", "none", "split"),
        Row("swiftvmm run guest.bin --console u", "uart", "uart2"),
        Row("swiftvmm run guest.bin --serial ", "file:", "null", "pty", "stdio", "unix:"),
        Row("swiftvmm run guest.bin --serial2 p", "pty"),
        Row("swiftvmm run guest.bin --virtio-console n", "null"),
        Row("swiftvmm run guest.bin --virtio-port "),
        Row("swiftvmm run guest.bin --memory "),
        Row("swiftvmm run guest.bin --disk no", "notes"),
        Row("swiftvmm run guest.bin --initrd no", "notes"),
        Row("swiftvmm run guest.bin --report no", "notes"),
        Row("swiftvmm run guest.bin --trace no", "notes"),
        Row("swiftvmm inspect guest.elf --dump-acpi ", "tables"),
        Row("swiftvmm compare all --json no", "notes"),
        Row("swiftvmm compare console --guest guest.e", "guest.elf"),
    ]

    @Test("Tab offers commands, options, values and files where they belong", arguments: rows)
    func offers(row: Row) async throws {
        let outcome = try await scratch.shell("exec bash complete.bash \"$0\" \"$1\"", [row.line])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        let words = outcome.text.split(separator: "\n").map { $0.trimmingSuffix(while: \.isWhitespace) }.sorted()
        #expect(words.map(String.init) == row.words, "\(outcome)")
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while isUnwanted: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, isUnwanted(last) { rest.removeLast() }
        return rest
    }
}
