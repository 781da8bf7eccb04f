// swift-tools-version: 6.2
// SPDX-License-Identifier: MIT
import PackageDescription

// The targets stand in the order of Docs/architecture.md: arrows run downwards only, and `make lint` fails on an import
// that this manifest does not grant.

let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")

let shell: [Target] = [
    .executableTarget(
        name: "sweepd",
        dependencies: [
            "Coordinator", "WorkerAgent", "SweepStore", "Keys", "ZeroMQ", "Simulation", "SweepEngine",
            "WorkerProtocol", "SearchAlgorithms", "SweepModel", "Randomness", collections,
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
    .target(
        name: "Coordinator",
        dependencies: [
            "SweepStore", "Keys", "ZeroMQ", "SweepEngine", "WorkerProtocol", "SearchAlgorithms", "SweepModel",
            "CProcess", collections,
            .product(name: "Logging", package: "swift-log"),
        ]),
    .target(
        name: "WorkerAgent",
        dependencies: [
            "Keys", "ZeroMQ", "WorkerProtocol", "SweepModel", "RegularExpressions", "CProcess",
            .product(name: "Crypto", package: "swift-crypto"),
            .product(name: "Logging", package: "swift-log"),
        ]),
    .target(
        name: "SweepStore",
        dependencies: [
            "SweepEngine", "WorkerProtocol", "SweepModel", collections, .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "GRDBSQLite", package: "GRDB.swift"),
        ]),
    .target(name: "Keys", dependencies: ["ZeroMQ", "SweepModel"]),
    .target(name: "ZeroMQ", dependencies: ["CZeroMQ"], swiftSettings: [.strictMemorySafety()]),
    .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
    .target(name: "CProcess"),
]

// Below this line: no I/O, no clock, no threads, no unkeyed randomness.
let core: [Target] = [
    .target(
        name: "Simulation",
        dependencies: ["SweepEngine", "WorkerProtocol", "SearchAlgorithms", "SweepModel", collections, numerics]),
    .target(
        name: "SweepEngine",
        dependencies: ["WorkerProtocol", "SearchAlgorithms", "SweepModel", "Randomness", collections]),
    .target(
        name: "WorkerProtocol",
        dependencies: ["SweepModel", .product(name: "Crypto", package: "swift-crypto")]),
    .target(
        name: "SearchAlgorithms",
        dependencies: ["SweepModel", "GaussianProcess", "LinearAlgebra", "Randomness", numerics]),
    .target(
        name: "SweepModel",
        dependencies: ["RegularExpressions", numerics, .product(name: "Yams", package: "Yams")]),
    .target(name: "RegularExpressions", dependencies: ["CPCRE2"], swiftSettings: [.strictMemorySafety()]),
    .systemLibrary(name: "CPCRE2", providers: [.apt(["libpcre2-dev"])]),
]

let numbers: [Target] = [
    .target(
        name: "GaussianProcess", dependencies: ["LinearAlgebra", "Randomness", "CVectorMath", numerics],
        swiftSettings: [.strictMemorySafety()]),
    .target(name: "LinearAlgebra", dependencies: ["CLAPACK", numerics], swiftSettings: [.strictMemorySafety()]),
    .systemLibrary(name: "CLAPACK", providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
    .target(name: "CVectorMath"),
    .target(name: "Randomness", dependencies: [numerics], exclude: ["Tables/README.md", "Tables/joe_kuo.py"]),
]

let tests: [Target] = [
    .target(
        name: "TestSupport", dependencies: ["SweepEngine", "WorkerProtocol", "SweepModel", collections],
        path: "Tests/TestSupport"),
    .executableTarget(
        name: "simulate-campaign", dependencies: ["TestSupport"], path: "Tests/Campaigns/Simulate"),
    .testTarget(
        name: "GaussianProcessTests",
        dependencies: ["GaussianProcess", "LinearAlgebra", "Randomness", "CVectorMath", numerics],
        exclude: ["Fixtures/fixtures.py"]),
    .testTarget(name: "LinearAlgebraTests", dependencies: ["LinearAlgebra", "Randomness", "TestSupport"]),
    .testTarget(
        name: "RandomnessTests", dependencies: ["Randomness", "TestSupport"], exclude: ["Fixtures/fixtures.py"]),
    .testTarget(name: "RegularExpressionsTests", dependencies: ["RegularExpressions"]),
    .testTarget(name: "SweepModelTests", dependencies: ["SweepModel", "TestSupport"]),
    .testTarget(
        name: "SearchAlgorithmsTests",
        dependencies: [
            "SearchAlgorithms", "GaussianProcess", "SweepModel", "Randomness", "TestSupport", numerics,
        ],
        exclude: ["Fixtures/fixtures.py", "Fixtures/tpe_fixtures.py", "Fixtures/pruner_fixtures.py"]),
    .testTarget(
        name: "WorkerProtocolTests", dependencies: ["WorkerProtocol", "SweepModel", "Randomness", "TestSupport"]),
    .testTarget(
        name: "SweepEngineTests",
        dependencies: ["SweepEngine", "WorkerProtocol", "SweepModel", "Randomness", "TestSupport", collections]),
    .testTarget(
        name: "SweepStoreTests",
        dependencies: [
            "SweepStore", "SweepEngine", "WorkerProtocol", "SweepModel", "TestSupport", collections,
            .product(name: "GRDB", package: "GRDB.swift"),
        ]),
    .testTarget(name: "KeysTests", dependencies: ["Keys", "ZeroMQ", "SweepModel", "TestSupport"]),
    .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ", "TestSupport"]),
    .testTarget(
        name: "WorkerAgentTests",
        dependencies: [
            "WorkerAgent", "Keys", "ZeroMQ", "WorkerProtocol", "SweepModel", "CProcess", "TestSupport",
            .product(name: "Logging", package: "swift-log"),
        ]),
    .testTarget(
        name: "CoordinatorTests",
        dependencies: [
            "Coordinator", "SweepStore", "Keys", "ZeroMQ", "WorkerProtocol", "SweepEngine", "SweepModel",
            "TestSupport",
            .product(name: "Logging", package: "swift-log"),
        ]),
    .testTarget(
        name: "sweepdTests",
        dependencies: [
            "sweepd", "Coordinator", "SweepStore", "SweepEngine", "WorkerProtocol", "SweepModel", "Keys", "ZeroMQ",
            "TestSupport",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
    .testTarget(
        name: "EndToEndTests",
        dependencies: ["sweepd", "SweepStore", "SweepEngine", "WorkerProtocol", "SweepModel", "TestSupport"],
        exclude: ["Scripts"]),
    .executableTarget(
        name: "codec-fuzz", dependencies: ["Coordinator", "Keys", "SweepEngine", "WorkerProtocol", "SweepModel"],
        path: "Tests/Campaigns/Fuzz/Codec"),
    .executableTarget(
        name: "load-campaign", dependencies: ["ZeroMQ", "Keys", "WorkerProtocol", "SweepModel"],
        path: "Tests/Campaigns/Load", exclude: ["README.md", "campaign.py", "run"]),
]

let package = Package(
    name: "sweepd",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: shell + core + numbers + tests,
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)

for target in package.targets where target.type != .system && !["CProcess", "CVectorMath"].contains(target.name) {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .treatAllWarnings(as: .error),
            // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
            .enableUpcomingFeature("ExistentialAny"),
            // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
            .enableUpcomingFeature("InternalImportsByDefault"),
            // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
            .enableUpcomingFeature("MemberImportVisibility"),
        ]
}

// Tests wait for the search's linear algebra and for thousands of simulated worlds: what has no I/O is optimised in debug
// builds too. `@testable` and preconditions stay.
let optimised = Set((core + numbers).map(\.name)).union(["TestSupport", "simulate-campaign"])
for target in package.targets
where target.type != .system && optimised.contains(target.name) && target.name != "CVectorMath" {
    target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-O"], .when(configuration: .debug))]
}
