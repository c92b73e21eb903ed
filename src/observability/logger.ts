import { pino } from 'pino'
import type { Observer } from '../core/ports/observer.ts'
import { prettyLine } from './pretty-line.ts'
import { scrub, scrubText } from './scrub.ts'

export type LogLevel = Parameters<Observer['log']>[0]

export interface Logger {
  /**
   * Neither blocks nor throws. `details` holds an error under `error`; secrets in it are taken out
   * by name and by looks.
   */
  readonly log: Observer['log']
  setLevel(level: LogLevel): void
}

/** Where lines go: `process.stdout`, or what a test listens on. */
export interface LogSink {
  write(line: string): unknown
  readonly isTTY?: boolean
  hasColors?(): boolean
}

/** JSON lines, or one readable line each for people; `format` undefined: readable on a terminal. */
export function createLogger({
  level,
  format,
  worker,
  sink = process.stdout,
}: {
  level: LogLevel
  format?: 'pretty' | 'json' | undefined
  /** Which of several processes that log to the same output writes these lines. */
  worker?: number | undefined
  sink?: LogSink
}): Logger {
  const pretty = format === undefined ? sink.isTTY === true : format === 'pretty'
  const colour = pretty && sink.isTTY === true && sink.hasColors?.() === true
  const lines = pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty
      ? { write: (line: string) => void sink.write(prettyLine(line, colour)) }
      : { write: (line: string) => void sink.write(line) },
  )
  return {
    setLevel(to) {
      lines.level = to
    },
    log(level, text, details) {
      if (lines.isLevelEnabled(level))
        lines[level](details === undefined ? {} : (scrub(details) as object), scrubText(text))
    },
  }
}
