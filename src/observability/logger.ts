import { pino } from 'pino'
import type { Observer } from '../core/ports/observer.ts'
import { prettyLine } from './pretty-line.ts'
import { scrub, scrubText } from './scrub.ts'

export type LogLevel = Parameters<Observer['log']>[0]

export interface Logger {
  /**
   * Neither blocks nor throws. `details` holds an error under `error`. Secrets are removed by name
   * and by pattern.
   */
  readonly log: Observer['log']
  readonly format: 'pretty' | 'json'
  setLevel(level: LogLevel): void
}

/** The destination of log lines: `process.stdout`, or a test's own. */
export interface LogSink {
  write(line: string): unknown
  readonly isTTY?: boolean
  hasColors?(): boolean
}

/**
 * Writes JSON lines or readable lines. `format` undefined: readable lines on a terminal, else JSON.
 */
export function createLogger({
  level,
  format,
  worker,
  sink = process.stdout,
}: {
  level: LogLevel
  format?: 'pretty' | 'json' | undefined
  /** The number of this process among several that write to the same output. */
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
    format: pretty ? 'pretty' : 'json',
    setLevel(to) {
      lines.level = to
    },
    log(level, text, details) {
      if (lines.isLevelEnabled(level))
        lines[level](details === undefined ? {} : (scrub(details) as object), scrubText(text))
    },
  }
}
