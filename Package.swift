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

let package = Package(
    name: "swiftvmm",
    products: [
        .executable(name: "swiftvmm", targets: ["swiftvmm"]),
        .library(name: "KVM", targets: ["KVM"]),
        .library(name: "DeviceModel", targets: ["DeviceModel"]),
        .library(name: "VMM", targets: ["VMM"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        .target(name: "CKVM", path: "CKVM"),
        .target(name: "CContainer", path: "CContainer"),
        .target(name: "KVM", dependencies: ["CKVM"], swiftSettings: strict),
        .target(name: "DeviceModel", swiftSettings: strict),
        .target(
            name: "VMM",
            dependencies: ["KVM", "DeviceModel", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: strict),
        .executableTarget(
            name: "swiftvmm",
            dependencies: [
                "KVM", "VMM", "CContainer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "VirtioDriver", dependencies: ["DeviceModel"], path: "Tests/VirtioDriver", swiftSettings: strict),
        .testTarget(
            name: "DeviceModelTests", dependencies: ["DeviceModel", "TestSupport", "VirtioDriver"],
            swiftSettings: strict),
        .testTarget(name: "KVMTests", dependencies: ["KVM", "TestSupport"], swiftSettings: strict),
        .target(name: "GuestTable", dependencies: ["VMM"], path: "Tests/GuestTable", swiftSettings: strict),
        .executableTarget(
            name: "guest-check", dependencies: ["KVM", "VMM", "GuestTable"], path: "Tests/GuestCheck",
            swiftSettings: strict),
        .testTarget(
            name: "VMMTests", dependencies: ["VMM", "KVM", "DeviceModel", "TestSupport", "GuestTable", "VirtioDriver"],
            swiftSettings: strict),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "swiftvmm", "VMM", "KVM", "DeviceModel", "TestSupport",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "benchmarks", path: "Benchmarks", exclude: ["bare.c"], swiftSettings: strict),
    ]
)
