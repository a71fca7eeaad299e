// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "RunGuest",
    dependencies: [.package(name: "swiftvmm", path: "../..")],
    targets: [.executableTarget(name: "RunGuest", dependencies: [.product(name: "VMM", package: "swiftvmm")])]
)
