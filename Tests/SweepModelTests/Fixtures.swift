// SPDX-License-Identifier: MIT

/// Sweep files of every style, all valid.
enum Fixtures {
    static let all = [productPage, nested, anchors, wandbGrid, wandbRandom, wandbEverything, conditions]

    static let productPage = """
        name: digits
        method: sobol            # grid | random | sobol
        metric: {name: val_loss, goal: minimize}
        trials: 60               # total
        seed: 7
        parameters:
          lr:        {min: 1.0e-4, max: 1.0, distribution: log_uniform_values}
          layers:    {min: 1, max: 3}
          units:     {min: 8, max: 256, log: true}
          optimizer: {values: [sgd, adam]}
          momentum:  {min: 0.0, max: 0.99, when: {optimizer: sgd}}     # conditional
        baseline: [{lr: 0.01, layers: 1, units: 64, optimizer: adam}]
        early_terminate: {type: asha, min_step: 1, max_step: 27, eta: 3}
        command: ["${interpreter}", train.py, "${args}"]
        workers: 2
        retries: 1
        limits: {trial: 10m, sweep: 2h, memory: 8GiB, steps: 20000}
        """

    static let nested = """
        method: random
        metric:
          name: accuracy
          goal: maximize
        run_cap: 20
        program: train.py
        parameters:
          epochs:
            value: 10
          optimizer:
            parameters:
              type: {values: [sgd, adam]}
              lr:
                parameters:
                  start: {min: 0.001, max: 0.1}
              momentum: {min: 0.0, max: 0.9, when: {type: sgd}}
        baseline:
          - optimizer: {type: adam, lr: {start: 0.01}}
          - {optimizer.type: sgd, optimizer.lr.start: 0.02, optimizer.momentum: 0.5}
        """

    static let anchors = """
        method: random
        metric: {name: loss}
        trials: 3
        parameters:
          lr: &range {distribution: log_uniform_values, min: &low 1e-5, max: 0.1}
          decay: *range
          warmup:
            <<: *range
            max: 0.5
        command: [ls, "*.py", a*b]
        """

    static let wandbGrid = """
        program: train.py
        method: grid
        metric:
          name: val_loss
          goal: minimize
        parameters:
          batch_size:
            values: [16, 32, 64]
          epochs:
            value: 5
          layers:
            min: 1
            max: 4
          dropout:
            distribution: q_uniform
            min: 0
            max: 0.5
            q: 0.1
        """

    static let wandbRandom = """
        program: train.py
        command:
          - ${env}
          - ${interpreter}
          - ${program}
          - "--mode=sweep"
          - ${args_no_boolean_flags}
        method: random
        name: my-sweep
        description: A random sweep
        project: demo
        metric: {goal: maximize, name: val_accuracy, target: 0.99}
        early_terminate: {type: hyperband, min_iter: 3}
        run_cap: 50
        parameters:
          learning_rate: {distribution: log_uniform, min: -9.2, max: -2.3}
          momentum: {distribution: inv_log_uniform_values, min: 0.5, max: 0.99}
          init: {distribution: q_log_normal, mu: 1, sigma: 0.5, q: 0.25}
          activation: {values: [relu, tanh], probabilities: [0.7, 0.3]}
          flag: {values: [true, false]}
          shape: {values: [[1, 2], [3, 4], {a: null}]}
        """

    static let wandbEverything = """
        method: random
        metric: {name: m}
        run_cap: 1
        command: [x]
        parameters:
          a: {distribution: uniform, min: 0, max: 1}
          b: {distribution: q_uniform, min: 0, max: 1}
          c: {distribution: normal}
          d: {distribution: q_normal, q: 3}
          e: {distribution: log_normal}
          f: {distribution: beta, a: 2}
          g: {distribution: q_beta, q: 0.5}
          h: {distribution: q_log_uniform_values, min: 1, max: 100, q: 5}
          i: {distribution: inv_log_uniform, min: 0, max: 3}
          j: {distribution: int_uniform, min: -5, max: 5}
          k: {value: "a \\u2028 b \\x85 \\x7f \\ufeff \\0 é 😀 * ~ # : - [ ]"}
          l: {values: [yes, "no", ~, 010, 1_000, 0x1F, .5, 1e5, "1e5", '', "a\\nb"]}
        """

    static let conditions = """
        method: sobol
        metric: {name: loss}
        trials: 8
        command: [x]
        parameters:
          decay: {min: 0.0, max: 1.0, when: {schedule.kind: cosine, layers: [2, 3]}}
          schedule:
            when: {use_schedule: true}
            parameters:
              kind: {values: [cosine, step]}
              gamma: {min: 0.1, max: 0.9, when: {kind: step}}
              inner:
                parameters:
                  kind: {values: [1, 2.5]}
                  x: {value: 1, when: {kind: 1.0}}
          use_schedule: {values: [true, false]}
          layers: {min: 1, max: 3}
          kind: {value: top}
        """
}
