// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// A sweep's configurations follow from its file, whatever happens to it.
@Suite struct DeterminismTests {
    private static let space = "{a: {values: [1, 2, 3, 4, 5, 6]}, b: {min: 1, max: 5}}"

    private func configurations(_ folder: SweepFolder) throws -> [String] {
        try folder.trials().map { trial in
            let parameters = try #require(trial["parameters"] as? [String: Any])
            return parameters.keys.sorted().map { "\($0)=\(parameters[$0] ?? "")" }.joined(separator: " ")
        }
    }

    @Test(arguments: ["grid", "random", "sobol"]) func theNumberOfWorkersChangesNothing(method: String) throws {
        let found = try [1, 4].map { workers in
            let folder = try SweepFolder(
                SweepFolder.yaml(method: method, trials: 20, parameters: Self.space), script: "sweepd report loss=1")
            let result = try folder.run("run", "sweep.yaml", "-w", "\(workers)")
            #expect(result.status == 0, "\(result.output)\(result.error)")
            return try configurations(folder)
        }
        #expect(found[0].count == 20)
        #expect(found[0] == found[1])
        #expect(Set(found[0]).count == 20)
    }

    @Test(arguments: ["grid", "random", "sobol"]) func anInterruptedFiniteSpaceIsCompleteWithoutDuplicates(
        method: String
    )
        throws
    {
        let folder = try SweepFolder(
            SweepFolder.yaml(method: method, trials: nil, parameters: Self.space),
            script: "echo >> begun\nsleep 0.02\nsweepd report loss=1")
        for (arguments, number) in [(["run", "sweep.yaml"], SIGKILL), (["resume"], SIGINT)] {
            let before = folder.text("begun").utf8.count
            let process = try Program.start(
                arguments + ["-w", "2"], in: folder.path, output: folder.path + "/out")
            #expect(wait { folder.text("begun").utf8.count >= before + 5 }, "\(folder.text("out"))")
            process.signal(number)
            _ = process.end()
        }
        let end = try folder.run("resume", "-w", "2")
        #expect(end.status == 0, "\(end.output)\(end.error)")
        let found = try configurations(folder)
        #expect(found.count == 30)
        #expect(Set(found).count == 30)
        #expect(try folder.states() == [String](repeating: "completed", count: 30))
        try folder.expectSound()

        let whole = try SweepFolder(
            SweepFolder.yaml(method: method, trials: nil, parameters: Self.space), script: "sweepd report loss=1")
        #expect(try whole.run("run", "sweep.yaml").status == 0)
        #expect(try configurations(whole) == found)
    }
}
