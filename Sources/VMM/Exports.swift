// Whoever makes machines needs no other import than VMM.

// What a device of an embedder's own is written with (see docs/decisions/0017-own-devices.md), and what is on a screen.
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
@_exported import struct DeviceModel.ScreenImage
@_exported import struct DeviceModel.VirtioFeatures
// What a vCPU's state and errors are made of.
@_exported import struct KVM.ControlRegister0
@_exported import struct KVM.ControlRegister4
@_exported import struct KVM.DescriptorTable
@_exported import struct KVM.ExtendedFeatures
@_exported import struct KVM.Flags
@_exported import struct KVM.GeneralRegisters
@_exported import struct KVM.InstructionBytes
@_exported import enum KVM.KVMError
@_exported import struct KVM.Segment
@_exported import struct KVM.SpecialRegisters
// What deadlines and attachments work with.
@_exported import struct LinuxHost.Deadline
@_exported import class LinuxHost.EventLoop
@_exported import struct LinuxHost.HostError
@_exported import enum LinuxHost.MonotonicClock
@_exported import struct SystemPackage.Errno
