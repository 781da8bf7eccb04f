// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepModel
import Testing

@testable import sweepd

@Suite struct ExportTests {
    @Test(arguments: [
        ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("two\nlines", "\"two\nlines\""),
        ("cr\r\nlf", "\"cr\r\nlf\""), (" padded ", "\" padded \""), ("", ""), ("größe", "größe"),
    ])
    func `cells are quoted as RFC 4180 says`(cell: String, expected: String) {
        #expect(CSV.quoted(cell) == expected)
    }

    @Test(arguments: [
        (JSONValue.number(.nan), "NaN"), (.number(-.infinity), "-inf"), (.number(0.1), "0.1"), (.integer(-3), "-3"),
        (.bool(true), "true"), (.string("x"), "x"), (.null, "null"), (.array([.integer(1)]), "[1]"),
    ])
    func `values keep all their digits`(value: JSONValue, expected: String) {
        #expect(CSV.value(value) == expected)
    }

    private func exported(_ body: (ExportTable, inout ByteOutput) throws -> Int) throws -> (text: String, rows: Int) {
        let small = try SmallStore()
        defer { small.remove() }
        let reader = try ResultReader(small.location)
        let sweep = try reader.sweep(id: SweepID(1))
        let table = ExportTable(sweep: sweep, records: try reader.records(of: sweep.id)) {
            try reader.reports(of: sweep.id, trial: $0)
        }
        let path = small.location.path + "/out"
        var output = try ByteOutput.file(path)
        let rows = try body(table, &output)
        try output.close()
        return (try String(contentsOfFile: path, encoding: .utf8), rows)
    }

    @Test func `a row a trial, a column for each parameter and metric`() throws {
        let (text, rows) = try exported { try $0.writeTrials(to: &$1) }
        let lines = text.components(separatedBy: "\r\n")
        #expect(rows == 4 && lines.count == 6)
        #expect(lines[0].hasSuffix("param.lr,param.units,last.loss,min.loss,max.loss,last.acc,min.acc,max.acc"))
        #expect(
            lines[1]
                == "0,completed,0.5,2,false,baseline,1,2,3.0,1.5,1048576,,0.1,64,0.5,0.5,0.9,0.5,0.1,0.5"
                .replacing("0.5,0.1,0.5", with: "0.5,\(1 - 0.9),0.5"))
        #expect(lines[3].contains("exit code 3") && lines[3].hasSuffix(",,,,,,"))
    }

    @Test func `a row a report`() throws {
        let (text, rows) = try exported { try $0.writeReports(to: &$1) }
        let lines = text.components(separatedBy: "\r\n")
        #expect(rows == 4 && lines[0] == "trial,attempt,step,at_ms,loss,acc")
        #expect(lines[2].hasPrefix("0,1,2,") && lines[2].hasSuffix(",0.5,0.5"))
    }

    @Test func `JSON lines hold the sweep, its trials and their reports`() throws {
        let (text, rows) = try exported { try $0.writeLines(withReports: true, to: &$1) }
        let lines = try text.split(separator: "\n").map { try JSONValue.parse(String($0)) }
        #expect(rows == 9 && lines.count == 9)
        #expect(lines[0]["schema"]?.stringValue == "sweepd.export/1")
        #expect(
            lines.compactMap { $0["type"]?.stringValue }
                == ["sweep", "trial", "report", "report", "trial", "report", "trial", "trial", "report"])
        #expect(lines[6]["failure"]?["message"]?.stringValue == "exit code 3")
    }
}
