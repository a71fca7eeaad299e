/// Carries a vCPU to the thread that runs it.
final class OtherVCPU: @unchecked Sendable {
    // The thread that makes the machine makes it and reads it after the run; between the two, its own thread runs it.
    var runner: VCPURunner

    init(_ runner: consuming VCPURunner) {
        self.runner = runner
    }
}
