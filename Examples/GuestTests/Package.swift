// swift-tools-version: 6.2
import PackageDescription

// Tests alone: the kernel is built by `build-kernel`.
let package = Package(
    name: "GuestTests",
    // Of your own package: .package(url: "…", branch: "main")
    dependencies: [.package(name: "swiftvmm", path: "../..")],
    targets: [
        .testTarget(name: "KernelTests", dependencies: [.product(name: "GuestTesting", package: "swiftvmm")])
    ]
)
