// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is held to the same rules: Swift 6 mode, strict memory safety, no warning.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "swiftvmm",
    products: [
        .executable(name: "swiftvmm", targets: ["swiftvmm"]),
        .library(name: "LinuxHost", targets: ["LinuxHost"]),
        .library(name: "KVM", targets: ["KVM"]),
        .library(name: "DeviceModel", targets: ["DeviceModel"]),
        .library(name: "VMM", targets: ["VMM"]),
        .library(name: "GuestTesting", targets: ["GuestTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        .target(name: "CLinuxHost", path: "CLinuxHost"),
        .target(name: "CKVM", dependencies: ["CLinuxHost"], path: "CKVM"),
        .target(name: "CContainer", path: "CContainer"),
        // Debian's zlib1g-dev has it.
        .systemLibrary(name: "CZlib", path: "CZlib"),
        .target(name: "LinuxHost", dependencies: ["CLinuxHost", system], swiftSettings: strict),
        .target(name: "KVM", dependencies: ["CKVM", "LinuxHost", system], swiftSettings: strict),
        .target(name: "DeviceModel", swiftSettings: strict),
        .target(
            name: "VMM",
            dependencies: [
                "CZlib", "LinuxHost", "KVM", "DeviceModel", system,
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: strict),
        .target(name: "GuestTesting", dependencies: ["VMM", "KVM", "LinuxHost", system], swiftSettings: strict),
        .target(name: "Comparison", dependencies: ["LinuxHost", "CContainer", system], swiftSettings: strict),
        .executableTarget(
            name: "swiftvmm",
            dependencies: [
                "LinuxHost", "DeviceModel", "VMM", "Comparison", system,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["start.order"], swiftSettings: strict),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "VirtioDriver", dependencies: ["DeviceModel"], path: "Tests/VirtioDriver", swiftSettings: strict),
        .testTarget(
            name: "DeviceModelTests", dependencies: ["DeviceModel", "TestSupport", "VirtioDriver"],
            swiftSettings: strict),
        .testTarget(
            name: "LinuxHostTests", dependencies: ["LinuxHost", "TestSupport", system], swiftSettings: strict),
        .testTarget(
            name: "KVMTests", dependencies: ["LinuxHost", "KVM", "TestSupport", system], swiftSettings: strict),
        .target(
            name: "GuestTable", dependencies: ["VMM"], path: "Tests/GuestTable",
            resources: [.embedInCode("Golden")], swiftSettings: strict),
        .executableTarget(
            name: "guest-check", dependencies: ["LinuxHost", "KVM", "VMM", "GuestTable", system],
            path: "Tests/GuestCheck",
            swiftSettings: strict),
        .target(
            name: "HostileGuest", dependencies: ["VMM", "TestSupport"], path: "Tests/HostileGuest",
            swiftSettings: strict),
        .executableTarget(
            name: "fuzz-machine", dependencies: ["VMM", "HostileGuest"], path: "Tests/MachineFuzz",
            swiftSettings: strict),
        .testTarget(
            name: "VMMTests",
            dependencies: [
                "VMM", "KVM", "LinuxHost", "DeviceModel", "TestSupport", "GuestTable", "HostileGuest", "VirtioDriver",
                system,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "GuestTestingTests", dependencies: ["GuestTesting", "VMM", "LinuxHost", "TestSupport", system],
            swiftSettings: strict),
        .testTarget(
            name: "GuestTests", dependencies: ["GuestTesting", "VMM", "GuestTable", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "swiftvmm", "Comparison", "VMM", "KVM", "LinuxHost", "DeviceModel", "TestSupport", system,
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "benchmarks", path: "Benchmarks", exclude: ["bare.c", "order.c", "Library"], swiftSettings: strict),
        .executableTarget(
            name: "library-benchmarks", dependencies: ["VMM"], path: "Benchmarks/Library", swiftSettings: strict),
    ]
)
