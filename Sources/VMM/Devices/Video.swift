import DeviceModel

/// The screen of a machine that was booted by a BIOS: its registers, and the console that its teletype prints on.
final class VideoDevice: MachineDevice {
    /// The slot's, in which other machines have a controller alone.
    static let name = "screen"

    let busDevice: any BusDevice
    let teletype: ConsoleChannel

    /// - Parameter isShown: whether what the teletype prints is seen on the screen.
    init(_ host: MachineHost, isShown: Bool) {
        busDevice = TextVideo(controller: host.screen)
        teletype = ConsoleChannel(to: isShown ? .discarding() : host.output)
    }

    var outputs: [ConsoleOutput] { [teletype.output] }

    var report: DeviceReport {
        var report = DeviceReport(name: Self.name)
        report.consoleBytes = teletype.byteCount
        return report
    }
}
