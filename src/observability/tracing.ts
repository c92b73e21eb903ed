import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import type { DeliverySpan, Tracing } from '../core/accounting/trace-context.ts'
import type { MessageEvent } from '../core/model/channel-event.ts'
import { within } from '../core/timing/deadline.ts'

export interface OpenTracing extends Tracing {
  /** Sends the remaining spans, with a time limit. */
  close(): Promise<void>
}

/** How long the collector may take for the last spans, in milliseconds. */
const closeMs = 2_000

/**
 * Sends spans to an OpenTelemetry collector over OTLP/HTTP. Only this function loads the SDK. The
 * SDK reads its own variables too (`OTEL_SERVICE_NAME`, `OTEL_EXPORTER_OTLP_HEADERS`,
 * `OTEL_TRACES_SAMPLER` …). Publishers decide which messages are sampled, unless the sampler
 * overrides them.
 */
export async function openTracing(options: {
  endpoint: string
  version: string
  replica: string
}): Promise<OpenTracing> {
  const [{ BasicTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  const exporter = new OTLPTraceExporter({ url: `${options.endpoint.replace(/\/$/, '')}/v1/traces` })
  const own = resources.resourceFromAttributes({
    'service.name': 'warren',
    'service.version': options.version,
    'service.instance.id': options.replica,
  })
  const fromEnvironment = resources.detectResources({ detectors: [resources.envDetector] })
  const provider = new BasicTracerProvider({
    resource: own.merge(fromEnvironment),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const tracer = provider.getTracer('warren', options.version)
  return {
    begin(message: MessageEvent['message'], traceparent: string): DeliverySpan {
      const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
      const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
      const { exchange, routingKey, properties, offset, receivedAt } = message
      const span = tracer.startSpan(
        `deliver ${exchange}`,
        {
          kind: SpanKind.CONSUMER,
          startTime: receivedAt,
          // https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/
          attributes: {
            'messaging.system': 'rabbitmq',
            'messaging.operation.type': 'process',
            'messaging.destination.name': exchange,
            'messaging.rabbitmq.destination.routing_key': routingKey,
            'messaging.message.body.size': message.body.length,
            'warren.journal.offset': offset,
            ...(properties.messageId === undefined ? {} : { 'messaging.message.id': properties.messageId }),
          },
        },
        trace.setSpanContext(ROOT_CONTEXT, parent),
      )
      const own = span.spanContext()
      const sampled = (own.traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')
      return {
        traceparent: `00-${own.traceId}-${own.spanId}-${sampled}`,
        end: () => {
          span.setAttribute('warren.subscriptions', message.outcomes?.countsOf(message.slot ?? 0).matched ?? 0)
          span.end()
        },
      }
    },
    async close() {
      await within(closeMs, provider.shutdown())
    },
  }
}
