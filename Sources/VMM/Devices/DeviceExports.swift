// What a device of an embedder's own is written with (see docs/decisions/0017-own-devices.md): whoever imports VMM has it.

@_exported import protocol DeviceModel.BusDevice
@_exported import enum DeviceModel.BusEffect
@_exported import protocol DeviceModel.BytePortDevice
@_exported import struct DeviceModel.GuestAddress
@_exported import class DeviceModel.GuestMemory
@_exported import enum DeviceModel.GuestMemoryError
@_exported import struct DeviceModel.GuestSegment
@_exported import struct DeviceModel.HypercallWait
@_exported import protocol DeviceModel.InterruptLine
@_exported import enum DeviceModel.MachineEvent
@_exported import class DeviceModel.MachineEventLatch
@_exported import enum DeviceModel.ResetCause
@_exported import struct DeviceModel.VirtioFeatures
