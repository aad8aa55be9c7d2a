#!/usr/bin/env node
// gptload: what an operator does beside the services, on a data folder, a database, a file, or over the API of a running
// server. Exit code 0: done; 1: refused or wrong usage, with one message that says what to mend; 2: `plan` and `drift` have
// found a difference, so that a mistyped option never looks like one.

import { CommanderError } from 'commander'
import { createProgram } from './create-program.ts'
import { describeFailure } from './describe-failure.ts'
import { openTerminal } from './terminal.ts'

const program = createProgram({
  environment: process.env,
  directory: process.cwd(),
  isTerminal: process.stdout.isTTY === true,
  terminal: openTerminal(process),
  say: (text) => process.stdout.write(`${text}\n`),
  exit: (code) => {
    process.exitCode = code
  },
  warn: (text) => process.stderr.write(`${text}\n`),
})

try {
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

/** Help and usage errors are printed by commander itself. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1
  process.stderr.write(`${describeFailure(error)}\n`)
  return 1
}
