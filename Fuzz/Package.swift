// swift-tools-version: 6.2
import PackageDescription

/// Fuzz targets, apart from the product because every module must be built with the fuzzer's instrumentation, and with
/// internal declarations visible. `scripts/fuzz` builds and runs them.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let libraries: [Target.Dependency] = [
    "CFuzzer", "FuzzInput", .product(name: "VMM", package: "swiftvmm"),
    .product(name: "DeviceModel", package: "swiftvmm"),
]

let package = Package(
    name: "swiftvmm-fuzz",
    dependencies: [.package(name: "swiftvmm", path: "..")],
    targets: [
        .target(name: "CFuzzer"),
        .target(name: "FuzzInput", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-image", dependencies: libraries, path: "Sources/FuzzImage", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-gzip", dependencies: libraries, path: "Sources/FuzzGzip", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-devices", dependencies: libraries, path: "Sources/FuzzDevices", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-bios", dependencies: libraries, path: "Sources/FuzzBIOS", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-virtqueue", dependencies: libraries, path: "Sources/FuzzVirtqueue", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-virtio-mmio", dependencies: libraries, path: "Sources/FuzzVirtioMMIO", swiftSettings: settings),
        .executableTarget(
            name: "fuzz-virtio-console", dependencies: libraries, path: "Sources/FuzzVirtioConsole",
            swiftSettings: settings),
        .executableTarget(
            name: "fuzz-virtio-block", dependencies: libraries, path: "Sources/FuzzVirtioBlock",
            swiftSettings: settings),
        .executableTarget(
            name: "fuzz-virtio-custom", dependencies: libraries, path: "Sources/FuzzVirtioCustom",
            swiftSettings: settings),
    ]
)
