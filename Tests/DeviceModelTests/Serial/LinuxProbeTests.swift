import DeviceModel
import Testing

/// The steps by which Linux tells one serial chip from another, `autoconfig` and `serial8250_do_startup` in
/// `drivers/tty/serial/8250/8250_port.c`, with the answers by which it finds a 16550A without faults.
@Suite("Linux's probe of a 16550A")
struct LinuxProbeTests {
    private var uart = UART16550()

    private mutating func write(_ offset: UInt64, _ value: UInt8) {
        _ = uart.write(offset: offset, value: value)
    }

    @Test("IER holds four bits and no more")
    mutating func interruptEnable() {
        write(Register.interruptEnable, 0)
        #expect(uart.read(offset: Register.interruptEnable) == 0)
        write(Register.interruptEnable, 0x0F)
        #expect(uart.read(offset: Register.interruptEnable) == 0x0F)
    }

    @Test("in loopback, OUT2 and RTS appear as carrier and clear to send")
    mutating func loopback() {
        write(Register.modemControl, 0x10 | 0x08 | 0x02)
        #expect(uart.read(offset: Register.modemStatus) & 0xF0 == 0x90)
    }

    @Test("the queues show in IIR, and no larger ones than 16 bytes")
    mutating func queues() {
        write(Register.lineControl, 0)
        write(Register.fifoControl, 0x01)
        #expect(uart.read(offset: Register.interruptIdentification) & 0xC0 == 0xC0)
        write(Register.fifoControl, 0x21)
        #expect(uart.read(offset: Register.interruptIdentification) & 0x20 == 0)
        write(Register.lineControl, 0x80)
        write(Register.fifoControl, 0x21)
        #expect(uart.read(offset: Register.interruptIdentification) & 0x20 == 0)
    }

    @Test("registers of later chips are not there")
    mutating func laterChips() {
        write(Register.fifoControl, 0x01)
        // A 16650 would read 0 from its own register here.
        write(Register.lineControl, 0x80)
        #expect(uart.read(offset: 2) == 0xC1)
        write(Register.lineControl, 0xBF)
        #expect(uart.read(offset: 2) == 0xC1)
        // An XScale chip would keep the bit that switches it on.
        write(Register.lineControl, 0)
        write(Register.interruptEnable, 0x40)
        #expect(uart.read(offset: Register.interruptEnable) & 0x40 == 0)
    }

    @Test("the scratch register holds what is written, which an 8250 lacks")
    mutating func scratch() {
        write(Register.scratch, 0xA5)
        #expect(uart.read(offset: Register.scratch) == 0xA5)
        write(Register.scratch, 0x5A)
        #expect(uart.read(offset: Register.scratch) == 0x5A)
    }

    @Test("enabling the transmitter's interrupt twice shows it twice, so no workaround is chosen")
    mutating func transmitterTest() {
        write(Register.interruptEnable, 0x02)
        #expect(uart.read(offset: Register.interruptIdentification) == 0x02)
        write(Register.interruptEnable, 0x00)
        write(Register.interruptEnable, 0x02)
        #expect(uart.read(offset: Register.interruptIdentification) == 0x02)
        write(Register.interruptEnable, 0x00)
        #expect(uart.read(offset: Register.interruptIdentification) == 0x01)
    }
}
