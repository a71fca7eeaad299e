import GuestTable
import GuestTesting
import TestSupport
import XCTest

/// Every guest of the table, in all of its rows: what it prints, how it ends, and where it looks for what is not there. A method is named as
/// its guest's file.
final class GuestTests: GuestTestCase {
    override class func setUp() { WakingWait.begin }

    func test_acpi_list_elf() async throws { try await run() }
    func test_bios_clock_bin() async throws { try await run() }
    func test_bios_disk_bin() async throws { try await run() }
    func test_bios_floppy_bin() async throws { try await run() }
    func test_bios_keyboard_bin() async throws { try await run() }
    func test_bios_memory_bin() async throws { try await run() }
    func test_bios_video_bin() async throws { try await run() }
    func test_clocks_elf() async throws { try await run() }
    func test_compute_bench_elf() async throws { try await run() }
    func test_console_bench_elf() async throws { try await run() }
    func test_disk_test_elf() async throws { try await run() }
    func test_long_args_elf() async throws { try await run() }
    func test_long_com2_elf() async throws { try await run() }
    func test_long_cpus_elf() async throws { try await run() }
    func test_long_disk_log_elf() async throws { try await run() }
    func test_long_exceptions_elf() async throws { try await run() }
    func test_long_hello_bin() async throws { try await run() }
    func test_long_hello_elf() async throws { try await run() }
    func test_long_memory_elf() async throws { try await run() }
    func test_long_mix_elf() async throws { try await run() }
    func test_long_msr_elf() async throws { try await run() }
    func test_long_ring3_elf() async throws { try await run() }
    func test_long_timer_elf() async throws { try await run() }
    func test_long_uart_irq_elf() async throws { try await run() }
    func test_long_virtio_blk_elf() async throws { try await run() }
    func test_long_virtio_echo_elf() async throws { try await run() }
    func test_long_virtio_hello_elf() async throws { try await run() }
    func test_long_virtio_ports_elf() async throws { try await run() }
    func test_long_virtio_rng_elf() async throws { try await run() }
    func test_memory_bench_elf() async throws { try await run() }
    func test_memory_real_bin() async throws { try await run() }
    func test_multiboot_flat_bin() async throws { try await run() }
    func test_multiboot_hello_elf() async throws { try await run() }
    func test_multiboot_hello64_elf() async throws { try await run() }
    func test_multiboot2_hello_elf() async throws { try await run() }
    func test_multiboot_modules_elf() async throws { try await run() }
    func test_pie_hello_elf() async throws { try await run() }
    func test_protected_hello_bin() async throws { try await run() }
    func test_pvh_hello_elf() async throws { try await run() }
    func test_real_a20_bin() async throws { try await run() }
    func test_real_echo_bin() async throws { try await run() }
    func test_real_exit_bin() async throws { try await run() }
    func test_real_hello_bin() async throws { try await run() }
    func test_real_hypercall_hello_bin() async throws { try await run() }
    func test_real_insb_bin() async throws { try await run() }
    func test_real_outsb_bin() async throws { try await run() }
    func test_real_uart_selftest_bin() async throws { try await run() }
    func test_sleep_forever_bin() async throws { try await run() }
    func test_sleep_forever_elf() async throws { try await run() }
    func test_smp_count_elf() async throws { try await run() }
    func test_startup_bench_elf() async throws { try await run() }
    func test_startup_real_bin() async throws { try await run() }
    func test_timer_apic_elf() async throws { try await run() }

    fileprivate static func method(of row: GuestRow) -> String {
        "test_" + row.name.map { "-.".contains($0) ? "_" : String($0) }.joined()
    }

    /// - Parameter name: of the method, from which the guest is known.
    private func run(_ name: String = #function) async throws {
        let rows = GuestRow.all.filter { name == "\(Self.method(of: $0))()" }
        XCTAssertFalse(rows.isEmpty, "no guest of the table has this name")
        for row in rows {
            do {
                try await check(row)
            } catch {
                XCTFail("\(row): \(error)")
            }
        }
    }

    private func check(_ row: GuestRow) async throws {
        let guest = Guest(Guests.path(row.name)).deadline(TestScale.patience).configure(row.configure)
        let report = try await guest.expect(output: .exactly(row.output), end: row.reason).report
        XCTAssertEqual(report.unwrittenBytes, 0, "\(row)")
        XCTAssertEqual(report.unmappedPorts.map(\.address), row.unmappedPorts, "\(row)")
        XCTAssertEqual(report.unmappedMemory.map(\.address), row.unmappedMemory, "\(row)")
        XCTAssertEqual(report.refusedMSRs.map(\.address), row.refusedMSRs, "\(row)")
    }
}

/// Methods are found when they are compiled; there is no other way to have one for each guest.
final class GuestTableTests: XCTestCase {
    func testNoGuestOfTheTableIsMissing() throws {
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        let missing = Set(GuestRow.all.map { GuestTests.method(of: $0) })
            .filter { !source.contains("    func \($0)() async throws { try await run() }\n") }
        XCTAssertEqual(missing.sorted(), [], "add a method for each of them")
    }
}
