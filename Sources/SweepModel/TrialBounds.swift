// SPDX-License-Identifier: MIT

/// What a trial may have at most, so that the message that hands it to a worker stays within what workers read, whatever
/// folders and checkpoints it names besides. A longer one would be dropped by each worker it is offered to, and its trial
/// would wait for ever.
package enum TrialBounds {
    package static let argumentBytes = 64 << 10
    package static let arguments = 1000
    package static let parameters = 4096
    /// Lists within lists, in a parameter's value.
    package static let valueDepth = 8
    package static let programBytes = 4096
    package static let metricBytes = 256
    /// Of the command and the parameters together, as JSON.
    package static let bytes = 640 << 10
}

extension SweepDefinition {
    /// Bytes of the command in a message.
    package var commandBytes: Int { command.reduce(2) { $0 + JSONValue.string($1).byteCount + 1 } }
}

extension Parameter {
    /// Bytes that the parameter with its longest value takes in a message, at most.
    package var maximumBytes: Int {
        let value =
            switch distribution {
            case .constant(let value): value.byteCount
            case .categorical(let values, _, _): values.map(\.byteCount).max() ?? 0
            // The longest 64-bit integer has 20, the longest float 24.
            case .integer, .real: 32
            }
        return JSONValue.string(name).byteCount + value + 2
    }

    /// How deep lists are nested in its values: 0 for a word or a number.
    package var valueDepth: Int {
        switch distribution {
        case .constant(let value): value.depth
        case .categorical(let values, _, _): values.map(\.depth).max() ?? 0
        case .integer, .real: 0
        }
    }
}

extension JSONValue {
    fileprivate var byteCount: Int {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes.count
    }

    fileprivate var depth: Int {
        switch self {
        case .null, .bool, .integer, .number, .string: 0
        case .array(let values): 1 + (values.map(\.depth).max() ?? 0)
        case .object(let members): 1 + (members.map(\.value.depth).max() ?? 0)
        }
    }
}
