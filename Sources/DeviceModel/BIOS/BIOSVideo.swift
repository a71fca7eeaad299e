/// INT 10h, for text modes.
extension BIOS {
    /// Of text modes: columns by the mode's number; nil for those of graphics, which are not here. Mode 7 is another adapter's.
    private static func columns(ofMode mode: UInt8) -> UInt16? {
        switch mode {
        case 0, 1: 40
        case 2, 3: 80
        default: nil
        }
    }

    private static let standardCursor: UInt16 = 0x0607

    var screen: TextScreen { TextScreen(memory: memory) }

    /// What a mode brings.
    ///
    /// - Parameter mode: a text mode.
    func setTextMode(_ mode: UInt8, clears: Bool) {
        let columns = Self.columns(ofMode: mode) ?? 80
        memory.store(mode, at: BIOSDataArea.videoMode)
        memory.store(columns, at: BIOSDataArea.columns)
        memory.store(UInt16(columns == 80 ? 0x1000 : 0x0800), at: BIOSDataArea.pageSize)
        memory.store(UInt16(0), at: BIOSDataArea.pageStart)
        for page in UInt64(0)..<8 { memory.store(UInt16(0), at: BIOSDataArea.cursors &+ page &* 2) }
        memory.store(UInt8(0), at: BIOSDataArea.page)
        memory.store(BIOSPorts.crtIndex, at: BIOSDataArea.videoPort)
        memory.store(UInt8(24), at: BIOSDataArea.lastRow)
        memory.store(UInt16(16), at: BIOSDataArea.characterHeight)
        // 256 KiB of memory (60h), not to be cleared (80h); what an EGA's switches say; 400 lines; a VGA with a colour screen.
        memory.store(UInt8(clears ? 0x60 : 0xE0), at: BIOSDataArea.videoControl)
        memory.store(UInt8(0xF9), at: BIOSDataArea.videoSwitches)
        memory.store(UInt8(0x51), at: BIOSDataArea.modeSetControl)
        memory.store(UInt8(0x08), at: BIOSDataArea.displayCombination)
        setController(0x01, columns.low &- 1)
        setCursorShape(Self.standardCursor)
        setPageStart(0)
        if clears { screen.clearAll() }
    }

    mutating func callVideo(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch registers.ah {
        case 0x00: return setMode(&registers)
        case 0x01: setCursorShape(registers.cx)
        case 0x02: setCursor(column: registers.dl, row: registers.dh, page: registers.bh)
        case 0x03:
            registers.cx = memory.load(UInt16.self, at: BIOSDataArea.cursorShape)
            registers.dx = screen.cursor(page: registers.bh)
        // There is no light pen.
        case 0x04: registers.ah = 0
        case 0x05: if registers.al < 8 { showPage(registers.al) }
        case 0x06, 0x07:
            screen.scroll(
                TextScreen.Window(
                    left: registers.cl, top: registers.ch, right: registers.dl, bottom: registers.dh),
                by: Int(registers.al), isUp: registers.ah == 0x06, attribute: registers.bh)
        case 0x08: registers.ax = screen.cell(at: screen.cursor(page: registers.bh), page: registers.bh)
        case 0x09, 0x0A:
            screen.fill(
                registers.al, attribute: registers.ah == 0x09 ? registers.bl : nil, count: Int(registers.cx),
                at: screen.cursor(page: registers.bh), page: registers.bh)
        case 0x0B: return setBorder(registers)
        case 0x0E:
            let page = screen.page
            var cursor = screen.cursor(page: page)
            teletype(registers.al, attribute: nil, at: &cursor, page: page)
            setCursor(column: cursor.low, row: cursor.high, page: page)
        case 0x0F:
            registers.al =
                memory.load(UInt8.self, at: BIOSDataArea.videoMode)
                | memory.load(UInt8.self, at: BIOSDataArea.videoControl) & 0x80
            registers.ah = UInt8(truncatingIfNeeded: memory.load(UInt16.self, at: BIOSDataArea.columns))
            registers.bh = screen.page
        case 0x10: return callPalette(&registers)
        case 0x11: return callFont(&registers)
        case 0x12: return callConfiguration(&registers)
        case 0x13: writeString(registers)
        case 0x1A where registers.al == 0:
            // A VGA with a colour screen, and no other.
            registers.bx = 0x0008
            registers.al = 0x1A
        default: return .absent
        }
        return .done
    }

    private func setMode(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        let mode = registers.al & 0x7F
        guard Self.columns(ofMode: mode) != nil else { return .absent }
        setTextMode(mode, clears: registers.al & 0x80 == 0)
        // Ralf Brown's Interrupt List: what some BIOSes return.
        registers.al = 0x30
        return .done
    }

    private func setCursorShape(_ shape: UInt16) {
        memory.store(shape, at: BIOSDataArea.cursorShape)
        setController(0x0A, shape.high)
        setController(0x0B, shape.low)
    }

    private func setCursor(column: UInt8, row: UInt8, page: UInt8) {
        guard page < 8 else { return }
        memory.store(UInt16(low: column, high: row), at: BIOSDataArea.cursors &+ UInt64(page) &* 2)
        guard page == screen.page else { return }
        let place = UInt16(truncatingIfNeeded: screen.offset(column: column, row: row, page: page) / 2)
        setController(0x0E, place.high)
        setController(0x0F, place.low)
    }

    private func showPage(_ page: UInt8) {
        let start = UInt16(truncatingIfNeeded: screen.offset(column: 0, row: 0, page: page))
        memory.store(start, at: BIOSDataArea.pageStart)
        memory.store(page, at: BIOSDataArea.page)
        setPageStart(start / 2)
        let cursor = screen.cursor(page: page)
        setCursor(column: cursor.low, row: cursor.high, page: page)
    }

    private func setPageStart(_ cell: UInt16) {
        setController(0x0C, cell.high)
        setController(0x0D, cell.low)
    }

    private func setController(_ index: UInt8, _ value: UInt8) {
        machine.writePort(BIOSPorts.crtIndex, index)
        machine.writePort(BIOSPorts.crtData, value)
    }

    // MARK: Text

    /// Writes a character as a teletype does, on the screen and on the console, and moves the cursor on.
    private func teletype(_ character: UInt8, attribute: UInt8?, at cursor: inout UInt16, page: UInt8) {
        CodePage437.print(character, to: machine.console)
        switch character {
        // A bell.
        case 0x07: break
        case 0x08: if cursor.low > 0 { cursor.low = cursor.low &- 1 }
        case 0x0A: cursor.high = cursor.high &+ 1
        case 0x0D: cursor.low = 0
        default:
            screen.fill(character, attribute: attribute, count: 1, at: cursor, page: page)
            cursor.low = cursor.low &+ 1
            if UInt16(cursor.low) >= screen.columns { cursor = UInt16(low: 0, high: cursor.high &+ 1) }
        }
        if UInt16(cursor.high) >= screen.rows {
            cursor.high = UInt8(truncatingIfNeeded: screen.rows &- 1)
            screen.scrollUp(page: page)
        }
    }

    /// How many characters of a string are written: more have no room on any screen, and a call is to end soon.
    private static let longestString: UInt16 = 8192

    private func writeString(_ registers: BIOSRegisters) {
        let page = registers.bh
        let hasAttributes = registers.al & 2 != 0
        let start = screen.cursor(page: page)
        // Row FFh is where the cursor is.
        var cursor = registers.dh == 0xFF ? start : registers.dx
        var place = registers.bp
        for _ in 0..<min(registers.cx, Self.longestString) {
            let character = memory.byte(registers.es, place)
            place = place &+ 1
            var attribute = registers.bl
            if hasAttributes {
                attribute = memory.byte(registers.es, place)
                place = place &+ 1
            }
            teletype(character, attribute: attribute, at: &cursor, page: page)
        }
        if registers.al & 1 != 0 { setCursor(column: cursor.low, row: cursor.high, page: page) }
    }

    // MARK: Fonts and colours

    private func callFont(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        let height: UInt16
        switch registers.al {
        // Without a change of the screen's size: nobody sees letters' shapes.
        case 0x00...0x04: return .done
        case 0x11: height = 14
        case 0x12: height = 8
        case 0x14: height = 16
        default: return .absent
        }
        let rows = 400 / height
        memory.store(height, at: BIOSDataArea.characterHeight)
        memory.store(UInt8(truncatingIfNeeded: rows &- 1), at: BIOSDataArea.lastRow)
        let used = screen.columns &* rows &* 2
        // Whole 2 KiB.
        memory.store((used | 0x7FF) &+ 1, at: BIOSDataArea.pageSize)
        let line = UInt8(truncatingIfNeeded: height)
        setCursorShape(height == 8 ? Self.standardCursor : UInt16(low: line &- 2, high: line &- 3))
        return .done
    }

    private func callConfiguration(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        switch registers.bl {
        case 0x10:
            registers.bx = 0x0003
            registers.cx = UInt16(memory.load(UInt8.self, at: BIOSDataArea.videoSwitches) & 0x0F)
        // How many lines the next mode has, its palette, and grey: the same for whoever does not see it.
        case 0x30, 0x31, 0x33, 0x34: registers.al = 0x12
        default: return .absent
        }
        return .done
    }

    private func setBorder(_ registers: BIOSRegisters) -> BIOSOutcome {
        guard registers.bh == 0 else { return .absent }
        setAttribute(0x11, registers.bl & 0x0F)
        return .done
    }

    private func setAttribute(_ index: UInt8, _ value: UInt8) {
        // A look at the beam makes the next write the index.
        _ = machine.readPort(BIOSPorts.inputStatus)
        machine.writePort(BIOSPorts.attributes, index)
        machine.writePort(BIOSPorts.attributes, value)
        endAttributes()
    }

    private func attribute(_ index: UInt8) -> UInt8 {
        _ = machine.readPort(BIOSPorts.inputStatus)
        machine.writePort(BIOSPorts.attributes, index)
        let value = machine.readPort(BIOSPorts.attributeRead)
        endAttributes()
        return value
    }

    /// The palette is the screen's again.
    private func endAttributes() {
        _ = machine.readPort(BIOSPorts.inputStatus)
        machine.writePort(BIOSPorts.attributes, 0x20)
        _ = machine.readPort(BIOSPorts.inputStatus)
    }

    private func callPalette(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        let (segment, offset) = (registers.es, registers.dx)
        switch registers.al {
        case 0x00: if registers.bl <= 0x14 { setAttribute(registers.bl, registers.bh) }
        case 0x01: setAttribute(0x11, registers.bh)
        case 0x02:
            for index in UInt8(0)...16 {
                setAttribute(index == 16 ? 0x11 : index, memory.byte(segment, offset &+ UInt16(index)))
            }
        case 0x03:
            let mode = attribute(0x10)
            setAttribute(0x10, registers.bl & 1 != 0 ? mode | 0x08 : mode & ~0x08)
        case 0x07: if registers.bl <= 0x14 { registers.bh = attribute(registers.bl) }
        case 0x08: registers.bh = attribute(0x11)
        case 0x09:
            for index in UInt8(0)...16 {
                memory.setByte(segment, offset &+ UInt16(index), attribute(index == 16 ? 0x11 : index))
            }
        case 0x10:
            machine.writePort(BIOSPorts.colorWriteIndex, registers.bl)
            for value in [registers.dh, registers.ch, registers.cl] { machine.writePort(BIOSPorts.colorData, value) }
        case 0x12:
            machine.writePort(BIOSPorts.colorWriteIndex, registers.bl)
            for index in 0..<min(registers.cx, 256) &* 3 {
                machine.writePort(BIOSPorts.colorData, memory.byte(segment, offset &+ index))
            }
        case 0x15:
            machine.writePort(BIOSPorts.colorReadIndex, registers.bl)
            registers.dh = machine.readPort(BIOSPorts.colorData)
            registers.ch = machine.readPort(BIOSPorts.colorData)
            registers.cl = machine.readPort(BIOSPorts.colorData)
        case 0x17:
            machine.writePort(BIOSPorts.colorReadIndex, registers.bl)
            for index in 0..<min(registers.cx, 256) &* 3 {
                memory.setByte(segment, offset &+ index, machine.readPort(BIOSPorts.colorData))
            }
        default: return .absent
        }
        return .done
    }
}
