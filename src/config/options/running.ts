import { httpUrl } from '../kinds/addresses.ts'
import { duration, processes } from '../kinds/amounts.ts'
import { choice, line, onOff } from '../kinds/words.ts'
import { option, optional } from './option.ts'

/** The process: its start, its end, its log and its traces. */
export const runningOptions = {
  drainMs: option(duration({ min: '0s', max: '1h' }), {
    default: '30s',
    group: 'Running',
    help: 'At SIGTERM, closes the sessions over this time, with the close code after which clients reconnect. SIGINT, or a second signal, closes them at once.',
    reload: true,
  }),
  demo: option(onOff, {
    default: 'off',
    group: 'Running',
    help: 'on: fills the embedded broker with a lively example: messages of a shop, connected clients, a slow one, and mistakes; and a page that kills the gateway and counts what is lost (docs/guides/demo.md). Keeps nothing. For trying out; refused with a broker or a database.',
  }),
  workers: option(processes, {
    default: '1',
    group: 'Running',
    help: 'Number of processes that share the ports; more than one requires RabbitMQ. auto: one for each processor. Each process is a replica, and limits apply to each process (docs/guides/workers.md).',
  }),
  optionsFile: optional(line, {
    unset: 'no file',
    group: 'Running',
    help: 'File of NAME=value lines with any of these variables. The environment and flags override it. It is read again at SIGHUP.',
  }),
  tracesUrl: optional(httpUrl, {
    unset: 'no tracing',
    group: 'Running',
    help: 'Sends traces to this OpenTelemetry collector (OTLP over HTTP), such as http://collector:4318: a span for each delivery of a message with a traceparent header. OTEL_EXPORTER_OTLP_ENDPOINT has the same meaning.',
    standard: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  }),
  logLevel: option(choice('debug', 'info', 'warn', 'error'), {
    default: 'info',
    group: 'Running',
    help: 'Lowest severity that is logged.',
    reload: true,
  }),
  logFormat: optional(choice('pretty', 'json'), {
    unset: 'pretty on a terminal, else json',
    group: 'Running',
    help: 'Format of the log lines on standard output.',
  }),
} as const
