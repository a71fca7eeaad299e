/// INT 11h and 12h by what is written here, and INT 15h: memory, the A20 gate, waits and power.
extension BIOS {
    /// A function that a BIOS may or may not have is not there, which it says itself.
    private static let unsupported: UInt8 = 0x86
    private static let clockInUse: UInt8 = 0x83
    /// "SMAP".
    private static let mapSignature: UInt32 = 0x534D_4150
    /// In KiB; the extended data area is behind it.
    private static let lowMemory: UInt16 = 639
    private static let mebibyte: UInt64 = 1 << 20

    func startEquipment() {
        for (index, port) in machine.serialPorts.prefix(4).enumerated() {
            memory.store(port, at: BIOSDataArea.serialPorts &+ UInt64(index) &* 2)
            memory.store(UInt8(0x0A), at: BIOSDataArea.serialTimeouts &+ UInt64(index))
        }
        // A floppy if there is one (bit 0), a mathematics coprocessor (bit 1), 80 columns in colour (bit 5), serial ports (bits 9 to 11).
        let serial = UInt16(truncatingIfNeeded: min(4, machine.serialPorts.count)) << 9
        memory.store(UInt16(machine.floppy == nil ? 0x22 : 0x23) | serial, at: BIOSDataArea.equipment)
        memory.store(Self.lowMemory, at: BIOSDataArea.memorySize)
        memory.store(Self.extendedSegment, at: BIOSDataArea.extendedSegment)
        memory.store(UInt8(truncatingIfNeeded: machine.hardDisks.count), at: BIOSDataArea.diskCount)
        // The extended data area begins with its size in KiB.
        memory.store(UInt8(1), at: UInt64(Self.extendedSegment) << 4)
    }

    private static let extendedSegment: UInt16 = 0x9FC0

    /// RAM from 1 MiB up to the first gap, in bytes.
    private var extendedMemory: UInt64 {
        let end = machine.memoryMap.first { $0.kind == 1 && $0.start == Self.mebibyte }?.size
        return end ?? 0
    }

    mutating func callSystem(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch registers.ah {
        case 0x24: return callA20(&registers)
        case 0x53: return callPower(&registers)
        case 0x86:
            // It waits from now on: nothing is changed before it has.
            if beginWait(microseconds: UInt32(registers.cx) << 16 | UInt32(registers.dx)) { return .waitsForTime }
            refuse(&registers, Self.clockInUse)
        case 0x87: return moveBlock(&registers)
        case 0x88:
            let size = extendedMemory
            registers.ax =
                size >= 63 &* Self.mebibyte ? 63 &* 1024 : UInt16(truncatingIfNeeded: size >> 10)
            registers.carry = false
        case 0xC0:
            registers.es = BIOSTables.segment
            registers.bx = BIOSTables.configuration
            succeed(&registers)
        case 0xC1:
            registers.es = memory.load(UInt16.self, at: BIOSDataArea.extendedSegment)
            registers.carry = false
        case 0xE8: return callMemoryMap(&registers)
        // Parts of a PC's BIOS that are not here. What others do not know either they say, and so do we.
        case 0x4F, 0x52, 0x83, 0x89...0x91, 0xC2: return .absent
        default: refuse(&registers, Self.unsupported)
        }
        return .done
    }

    private func succeed(_ registers: inout BIOSRegisters) {
        registers.ah = 0
        registers.carry = false
    }

    private func refuse(_ registers: inout BIOSRegisters, _ code: UInt8) {
        registers.ah = code
        registers.carry = true
    }

    /// The gate is always open.
    private func callA20(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch registers.al {
        case 0x01: succeed(&registers)
        case 0x02:
            registers.al = 1
            succeed(&registers)
        case 0x03:
            // By the keyboard controller (bit 0) and by port 92h (bit 1).
            registers.bx = 3
            succeed(&registers)
        default: refuse(&registers, Self.unsupported)
        }
        return .done
    }

    /// As much of Advanced Power Management as a program needs that switches the PC off (APM BIOS Interface Specification 1.2, section
    /// 4.6), in real mode.
    private func callPower(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch registers.al {
        case 0x00:
            // Version 1.2, "PM", no interface for other modes.
            registers.ax = 0x0102
            registers.bx = 0x504D
            registers.cx = 0
            registers.carry = false
        // Connect by real mode, disconnect, and power management for all.
        case 0x01, 0x04, 0x08: succeed(&registers)
        // The whole machine: 1 is stand-by and 2 is suspended, from which nothing would wake it.
        case 0x07 where registers.bx == 1 && registers.cx == 3: return .powerOff
        case 0x0E:
            registers.ax = 0x0102
            registers.carry = false
        default: return .absent
        }
        return .done
    }

    /// Copies between places of the first 16 MiB, or 4 GiB, that two descriptors of the caller's tell.
    private func moveBlock(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        let table = RealModeMemory.linear(registers.es, registers.si)
        func base(_ descriptor: UInt64) -> UInt64 {
            let low = memory.load(UInt32.self, at: table &+ descriptor &+ 2) & 0x00FF_FFFF
            return UInt64(low) | UInt64(memory.load(UInt8.self, at: table &+ descriptor &+ 7)) << 24
        }
        // In words; more than a segment holds has no descriptor.
        guard registers.cx <= 0x8000,
            let bytes = memory.bytes(at: base(0x10), count: Int(registers.cx) &* 2),
            memory.write(bytes, at: base(0x18))
        else {
            // "Exception interrupt error".
            refuse(&registers, 2)
            return .done
        }
        succeed(&registers)
        return .done
    }

    private func callMemoryMap(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch registers.al {
        case 0x01:
            // From 1 MiB to 16 MiB in KiB, and from there on in 64 KiB.
            let size = extendedMemory
            let limit = 15 &* Self.mebibyte
            registers.cx = UInt16(truncatingIfNeeded: min(size, limit) >> 10)
            registers.dx = UInt16(truncatingIfNeeded: min(size > limit ? (size &- limit) >> 16 : 0, 0xFFFF))
            (registers.ax, registers.bx) = (registers.cx, registers.dx)
            registers.carry = false
        case 0x20:
            let index = Int(registers.ebx)
            guard registers.edx == Self.mapSignature, registers.ecx >= 20, machine.memoryMap.indices.contains(index)
            else {
                refuse(&registers, Self.unsupported)
                return .done
            }
            let range = machine.memoryMap[index]
            let place = RealModeMemory.linear(registers.es, registers.di)
            memory.store(range.start, at: place)
            memory.store(range.size, at: place &+ 8)
            memory.store(range.kind, at: place &+ 16)
            registers.eax = Self.mapSignature
            registers.ecx = 20
            let isLast = index == machine.memoryMap.endIndex &- 1
            registers.ebx = isLast ? 0 : registers.ebx &+ 1
            registers.carry = false
        default: refuse(&registers, Self.unsupported)
        }
        return .done
    }
}
