// Whoever makes machines needs no other import: registers and exits are of KVM, devices and guest memory of DeviceModel, and clocks
// and loops of LinuxHost.
@_exported import DeviceModel
@_exported import KVM
@_exported import LinuxHost
