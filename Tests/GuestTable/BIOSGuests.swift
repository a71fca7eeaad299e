import VMM

/// Boot sectors that call each service of their BIOS. What they print is what they print under QEMU with SeaBIOS, as
/// `scripts/compare-with-bios` has written it down.
enum BIOSGuests {
    /// The letters, the keys that give a character of their own, and those that a terminal sends as escape sequences; "q" ends each half.
    private static let typed =
        "aZ1!\r\t \u{1B}\u{7F}\u{3}~-_\u{1B}[A\u{1B}[D\u{1B}[3~\u{1B}OP\u{1B}[24~q\u{1B}[B\u{1B}[H\u{1B}[15~\u{1C}q"

    static let all: [GuestRow] = [
        row("bios-video", PackageResources.bios_video_txt),
        row("bios-disk", PackageResources.bios_disk_txt),
        row("bios-floppy", PackageResources.bios_floppy_txt),
        row("bios-keyboard", PackageResources.bios_keyboard_txt, input: typed),
        row("bios-memory", PackageResources.bios_memory_txt),
        row("bios-clock", PackageResources.bios_clock_txt),
    ]

    private static func row(_ name: String, _ golden: [UInt8], input: String? = nil) -> GuestRow {
        GuestRow(
            name: "\(name).bin", input: input.map { Array($0.utf8) }, output: String(decoding: golden, as: UTF8.self),
            reason: .exited(status: 33))
    }
}
