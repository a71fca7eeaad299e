import ArgumentParser
import DeviceModel
import Glibc
import LinuxHost
import VMM

/// How a guest's text screen is shown.
enum ScreenOption: String, CaseIterable, Sendable {
    case terminal
    case text

    /// The option's name.
    static let name = "screen"

    /// Words with the option's value where it was left out: an image may follow.
    static func completed(_ words: [String]) -> [String] {
        guard words.first == RunOptions.command, words.contains("--\(name)") else { return words }
        var (completed, isOver): ([String], Bool) = ([], false)
        for (index, word) in words.enumerated() {
            let next = words.indices.contains(index + 1) ? words[index + 1] : ""
            isOver = isOver || word == "--"
            let isValue = index > 0 && takesValue(words[index - 1])
            let isAlone = word == "--\(name)" && !isOver && !isValue && ScreenOption(rawValue: next) == nil
            completed.append(isAlone ? "\(word)=\(terminal.rawValue)" : word)
        }
        return completed
    }
}

extension ScreenOption {
    /// Whether the next word is this one's value.
    private static func takesValue(_ word: String) -> Bool {
        guard let option = OptionWord(word), option.value == nil, option.name != name else { return false }
        return RunWords.actions.contains { option.name == $0.name && !$0.action.isFlag }
    }
}

extension RunOptions {
    /// What of the options belongs to the screen.
    ///
    /// - Throws: `Failure` where a terminal is asked for and there is none.
    func screenConfiguration() throws(Failure) -> ScreenConfiguration? {
        switch screen {
        case nil: return nil
        case .text:
            return ScreenConfiguration(
                ScreenText {
                    StandardStreams.say(
                        "the screen changed faster than it was looked at: lines may be missing; a serial port loses none"
                    )
                }, interval: .milliseconds(10))
        case .terminal:
            guard TerminalSize(of: STDOUT_FILENO) != nil else {
                throw Failure(
                    status: .usage,
                    message:
                        "--screen shows the guest's screen on a terminal, and standard output is none; use --screen text"
                )
            }
            let size = Self.terminalSize()
            if size.columns < 80 || size.rows < ScreenImage.rows {
                StandardStreams.say(
                    "the terminal has \(size.columns) columns and \(size.rows) rows; what of the guest's 80 and \(ScreenImage.rows) does not fit is cut off"
                )
            }
            return ScreenConfiguration(
                ScreenTerminal(Self.terminalSize),
                output: ConsoleOutput(descriptor: STDOUT_FILENO))
        }
    }

    /// One that does not know is taken for large enough.
    @Sendable private static func terminalSize() -> (columns: Int, rows: Int) {
        let size = TerminalSize(of: STDOUT_FILENO).map { (Int($0.columns), Int($0.rows)) } ?? (0, 0)
        return size.0 == 0 || size.1 == 0 ? (80, ScreenImage.rows) : size
    }

    /// How much a console printed that the screen took the terminal from.
    func hiddenBytes(of device: DeviceReport) -> UInt64? {
        guard screen == .terminal, let bytes = device.consoleBytes, bytes > 0 else { return nil }
        let end: ConsoleEnd? =
            switch device.name {
            case "uart": serialEnd
            case "uart2": serial2End
            case "virtio-console": virtioEnd
            case "debug", "hypercall": .stdio
            default: nil
            }
        return end == .stdio ? bytes : nil
    }
}
