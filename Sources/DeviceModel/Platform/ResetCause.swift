/// Which device a guest used to reset the machine.
public enum ResetCause: String, Sendable {
    /// Port 0x64 or, by its output port, 0x60.
    case keyboardController
    /// Port 0x92.
    case port92
    /// Port 0xCF9.
    case resetControl
}
