// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "OwnDevices",
    // Of your own package: .package(url: "…", branch: "main")
    dependencies: [.package(name: "swiftvmm", path: "../..")],
    targets: [
        .executableTarget(
            name: "OwnDevices", dependencies: [.product(name: "VMM", package: "swiftvmm")],
            // As strict as the library: `import VMM` is all that a device needs.
            swiftSettings: [.strictMemorySafety(), .enableUpcomingFeature("MemberImportVisibility")])
    ]
)
