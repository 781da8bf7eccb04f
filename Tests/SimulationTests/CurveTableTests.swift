// SPDX-License-Identifier: MIT

import Simulation
import SweepModel
import Testing

/// What a table of curves says, and what is said of one that is wrong.
@Suite struct CurveTableTests {
    private func definition(_ parameters: String, metric: String = "loss") throws -> SweepDefinition {
        let text = "{method: random, metric: {name: \(metric)}, command: [train], parameters: \(parameters)}"
        return try SweepFile.parse(text, file: "sweep.yaml").definition
    }

    private func read(_ text: String, _ parameters: String = "{lr: {min: 0.0, max: 1.0}}") throws -> CurveTable {
        try CurveTable.read(Array(text.utf8), for: try definition(parameters))
    }

    @Test func `a table is its configurations, their seeds and curves`() throws {
        let table = try SyntheticTable.read(SyntheticTable.text(steps: 3, seeds: [4, 1]))
        #expect(table.parameters == ["lr", "units"])
        #expect(table.rows.count == 12 && table.curveCount == 24 && table.pointCount == 72)
        #expect(table.seeds == [1, 4] && table.lastStep == 3 && table.leftOut == 0)
        #expect(table.rows[0].configuration["lr"] == .number(0.0001))
        #expect(table.rows[0].curves.map(\.seed) == [1, 4])
        #expect(table.rows[0].curves[0].points[2] == .init(step: 3, value: SyntheticTable.loss(0, 0, seed: 1, step: 3)))
    }

    @Test func `cells are RFC 4180's, and a little more`() throws {
        let text =
            "\u{FEFF}\"lr\" , \"kind\",step,loss,\"a \"\"note\"\"\r\nof two lines\"\r\n"
            + "1e-3,\"a \"\"b\"\", c\",1,.5,\"\n\n\"\r\n\r\n0.001, \"a \"\"b\"\", c\" ,2.0,-inf,\r\n1,plain,10,NaN,z"
        let table = try read(text, "{lr: {min: 0.0, max: 1.0}, kind: {values: ['a \"b\", c', plain]}}")
        #expect(table.rows.map { $0.configuration["kind"] } == [.string("a \"b\", c"), .string("plain")])
        #expect(table.rows[0].curves[0].points.map(\.step) == [1, 2])
        #expect(table.rows[0].curves[0].points.map(\.value) == [0.5, -.infinity])
        #expect(table.rows[1].curves[0].points[0].value.isNaN && table.rows[1].curves[0].points[0].step == 10)
    }

    @Test func `values are the sweep file's, however they are written`() throws {
        let parameters =
            "{flag: {values: [true, false]}, n: {values: [1, 2.5, x]}, list: {values: [[1, 2], null]}, "
            + "depth: {values: [1, 2], when: {flag: true}}}"
        let table = try read(
            "list,flag,n,depth,step,loss\n\"[1, 2]\",True,1.0,2,1,0\n,FALSE,2.50,,1,0\nNone,false,x,,1,0\n", parameters)
        #expect(table.parameters == ["flag", "n", "list", "depth"])
        let expected: [[(String, JSONValue)]] = [
            [
                ("flag", .bool(true)), ("n", .integer(1)), ("list", .array([.integer(1), .integer(2)])),
                ("depth", .integer(2)),
            ],
            [("flag", .bool(false)), ("n", .number(2.5)), ("list", .null)],
            [("flag", .bool(false)), ("n", .string("x")), ("list", .null)],
        ]
        #expect(table.rows.map(\.configuration) == expected.map { Configuration($0.map { .init($0.0, $0.1) }) })
    }

    @Test func `curves may be interleaved, and steps have their seconds`() throws {
        let table = try read("step,seconds,lr,loss\n1,2.5,0.1,5\n1,0,0.2,6\n2,3,0.10,4\n3,1,0.2,7\n")
        #expect(table.rows.map { $0.curves[0].points.map(\.step) } == [[1, 2], [1, 3]])
        #expect(table.rows.map { $0.curves[0].points.map(\.seconds) } == [[2.5, 3], [0, 1]] && table.isTimed)
    }

    @Test func `a parameter that is named as a column is written with param`() throws {
        let parameters = "{seed: {values: [1, 2]}, step: {values: [8, 9]}}"
        let table = try read("seed,param.step,step,loss\n1,8,1,0\n1,9,1,0\n", parameters)
        #expect(table.seeds.isEmpty && table.rows.count == 2)
        let both = try read("param.seed,seed,param.step,step,loss\n1,5,8,1,0\n1,6,8,1,0\n", parameters)
        #expect(both.seeds == [5, 6] && both.rows.count == 1)
    }

    @Test func `rows with another constant are left out`() throws {
        let parameters = "{lr: {min: 0.0, max: 1.0}, batch: {value: 64}, unused: {value: 1}}"
        let table = try read("lr,batch,step,loss\n0.1,32,1,0\n0.1,64.0,1,0\n0.2,64,1,0\n0.2,65,1,0\n", parameters)
            .rows.map { $0.configuration["lr"] }
        #expect(table == [.number(0.1), .number(0.2)])
        #expect(throws: CurveTableError("no line has batch = 64, which is constant in the sweep file")) {
            _ = try read("lr,batch,step,loss\n0.1,32,1,0\n", parameters)
        }
    }

    @Test(
        arguments: [
            ("", nil, "empty: expected a header with the parameters, 'step' and the metric"),
            ("\n\n", nil, "empty: expected a header with the parameters, 'step' and the metric"),
            ("lr,step,loss\n", nil, "there is no line below the header"),
            ("lr;step;loss\n", 1, "columns are separated by commas, not by ';'"),
            ("lr\tstep\tloss\n", 1, "columns are separated by commas, not by tabs"),
            ("lr,step,lr,loss\n", 1, "the column 'lr' appears twice"),
            ("\nlrr,step,loss\n", 2, "there is no column for the parameter 'lr'; did you mean 'lrr'?"),
            (
                "rate,step,loss\n", 1,
                "there is no column for the parameter 'lr'; the other columns are 'rate', 'step', 'loss'"
            ),
            ("lr,step,lsos\n", 1, "there is no column for the metric 'loss'; did you mean 'lsos'?"),
            (
                "lr,step,val_error\n", 1,
                "there is no column for the metric 'loss'; the other columns are 'step', 'val_error'"
            ),
            ("lr,epoch,loss\n", 1, "there is no column 'step'; the other columns are 'epoch'"),
            ("lr,stpe,loss\n", 1, "there is no column 'step'; did you mean 'stpe'?"),
            ("lr,step,loss\n0.1,1\n", 2, "has 2 cells, but the header has 3"),
            ("lr,step,loss\n0.1,1,2,3\n", 2, "has 4 cells, but the header has 3"),
            ("lr,step,loss\nfast,1,2\n", 2, "'lr' is not a number: fast"),
            ("lr,step,loss\n0x10,1,2\n", 2, "'lr' is not a number: 0x10"),
            ("lr,step,loss\nnan,1,2\n", 2, "'lr' is not a number: nan"),
            ("lr,step,loss\n,1,2\n", 2, "'lr' is empty, and no condition makes it inactive"),
            ("lr,step,loss\n0.1,1,2\n0.1,2,low\n", 3, "'loss' is not a number: low"),
            (
                "lr,step,loss\n0.1,1,\n", 2,
                "'loss' is empty: write NaN where training diverged, else leave the line out"
            ),
            ("lr,step,loss\n0.1,one,2\n", 2, "'step' must be a whole number from 0 to 1000000000000, not one"),
            ("lr,step,loss\n0.1,1.5,2\n", 2, "'step' must be a whole number from 0 to 1000000000000, not 1.5"),
            ("lr,step,loss\n0.1,-1,2\n", 2, "'step' must be a whole number from 0 to 1000000000000, not -1"),
            (
                "lr,step,loss\n0.1,99999999999999999999,2\n", 2,
                "'step' must be a whole number from 0 to 1000000000000, not 99999999999999999999"
            ),
            (
                "lr,step,loss\n0.1,1,2\n0.10,1,2\n", 3,
                "step 1 appears twice for the same parameters; trainings with different seeds need a column 'seed'"
            ),
            (
                "lr,seed,step,loss\n0.1,3,1,2\n0.1,3,1,2\n", 3,
                "step 1 appears twice for the same parameters with seed 3"
            ),
            (
                "lr,step,loss\n0.1,1,2\n0.1,5,2\n0.1,3,2\n", 4,
                "step 3 follows step 5 of the same parameters: steps must increase"
            ),
            ("lr,step,loss,seed\n0.1,1,2,a\n", 2, "'seed' is not a whole number: a"),
            ("lr,step,loss,seed\n0.1,1,2,\n", 2, "'seed' is not a whole number: "),
            ("lr,step,loss,seconds\n0.1,1,2,-1\n", 2, "'seconds' must be a number from 0 to 1e9, not -1"),
            ("lr,step,loss,seconds\n0.1,1,2,nan\n", 2, "'seconds' must be a number from 0 to 1e9, not nan"),
            ("lr,step,loss,seconds\n0.1,1,2,1e99\n", 2, "'seconds' must be a number from 0 to 1e9, not 1e99"),
            ("lr,step,loss\n0.1,1,2\n\"0.1,1,2\n", 3, "the quote that begins here is never closed"),
            ("lr,step,loss\n\"0.1\"x,1,2\n", 2, "text after a closing quote: expected a comma or the line's end"),
            ("lr,step,loss\n0\"1\",1,2\n", 2, "a quote within a cell that does not begin with one"),
            ("lr,step,loss,\"a\nb\"\n0.1,1,2,\"\r\n\r\"\nx,1,2,3\n", 6, "'lr' is not a number: x"),
        ] as [(String, Int?, String)])
    func `what is wrong is said with its line`(text: String, line: Int?, message: String) {
        #expect(throws: CurveTableError(line: line, message)) { _ = try read(text) }
    }

    @Test func `text must be UTF-8`() throws {
        let definition = try definition("{kind: {values: [a]}, other: {values: [a, b]}}")
        let bytes = Array("kind,other,step,loss\na,".utf8) + [0xFF] + Array(",1,2\n".utf8)
        #expect(throws: CurveTableError(line: 2, "not UTF-8 text")) { _ = try CurveTable.read(bytes, for: definition) }
    }

    @Test func `several missing columns are named together`() throws {
        #expect(
            throws: CurveTableError(
                line: 1, "there is no column for the parameters 'lr', 'units'; the other columns are 'step', 'loss'")
        ) { _ = try SyntheticTable.read("step,loss\n1,2\n") }
    }

    @Test func `a table that is too large is refused`() throws {
        let bytes = [UInt8](repeating: 0x0A, count: CurveTable.byteLimit + 1)
        let definition = try SyntheticTable.definition()
        #expect(throws: CurveTableError("larger than 256 MiB: leave out the columns that are not needed")) {
            _ = try CurveTable.read(bytes, for: definition)
        }
    }

    @Test func `an error names the file as an editor wants it`() {
        #expect(CurveTableError(line: 3, "wrong").text(file: "a.csv") == "a.csv:3: wrong")
        #expect(CurveTableError("wrong").text(file: "a.csv") == "a.csv: wrong")
        #expect("\(CurveTableError(line: 3, "wrong"))" == "line 3: wrong")
    }

    @Test func `one seed's curves, or which there are`() throws {
        let table = try SyntheticTable.read(SyntheticTable.text(steps: 2, seeds: [0, 3]))
        #expect(try table.only(seed: 3).rows.allSatisfy { $0.curves.map(\.seed) == [3] })
        #expect(throws: CurveTableError("there is no curve of seed 2: the seeds are 0, 3")) {
            _ = try table.only(seed: 2)
        }
        let plain = try read("lr,step,loss\n0.1,1,2\n")
        #expect(throws: CurveTableError("there is no column 'seed' to choose 1 from")) { _ = try plain.only(seed: 1) }
    }

    @Test func `what a curve comes to is the objective's summary of it`() {
        let points: [Double] = [3, 1, .nan, 2, .infinity]
        let curve = CurveTable.Curve(
            points: points.enumerated().map { .init(step: Int64($0.offset + 1), value: $0.element) })
        let best = Objective(metric: "loss"), last = Objective(metric: "loss", summary: .last)
        #expect(curve.value(best, upTo: 2) == 1 && curve.value(best, upTo: 1) == 3 && curve.value(best, upTo: 0) == nil)
        #expect(curve.value(Objective(metric: "loss", goal: .maximize), upTo: 2) == 3)
        #expect(curve.value(last, upTo: 2) == 1 && curve.value(last, upTo: 1) == 3)
        // The engine ends it there as failed, whatever the table goes on to say.
        #expect(curve.value(best, upTo: 4) == nil && curve.value(last, upTo: 4) == nil)
        #expect(curve.course(upTo: nil).map(\.step) == [1, 2, 3] && curve.points(upTo: nil).count == 5)
        let other = CurveTable.Curve(points: [.init(step: 1, value: 4)])
        let row = CurveTable.Row(configuration: Configuration([]), curves: [curve, other])
        #expect(row.value(best, upTo: 2) == 2.5 && row.value(best, upTo: nil) == 4 && row.value(last, upTo: 1) == 3.5)
    }
}
