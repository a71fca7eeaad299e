// swift-tools-version: 6.2
import PackageDescription

let vmm = Target.Dependency.product(name: "VMM", package: "swiftvmm")

let package = Package(
    name: "Embedding",
    dependencies: [
        // Of your own package: .package(url: "…", branch: "main")
        .package(name: "swiftvmm", path: "../.."),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        .executableTarget(name: "Dialogue", dependencies: [vmm]),
        .executableTarget(name: "FiftyMachines", dependencies: [vmm]),
        .executableTarget(
            name: "HTTPServer", dependencies: [vmm, .product(name: "FlyingFox", package: "FlyingFox")]),
    ]
)
