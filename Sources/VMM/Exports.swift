// Whoever makes machines needs no other import: registers and exits are of KVM, devices and guest memory of DeviceModel, clocks
// and loops of LinuxHost, and the system's error numbers of swift-system.
@_exported import DeviceModel
@_exported import KVM
@_exported import LinuxHost

@_exported import struct SystemPackage.Errno
