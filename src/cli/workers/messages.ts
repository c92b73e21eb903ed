import type { Publication } from '../../core/model/message.ts'
import type { HealthVerdict } from '../../observability/health.ts'
import type { Snapshot } from '../../observability/snapshot.ts'
import type { WorkerConsoleAddress } from '../../transports/console/worker-console.ts'
import type { Running } from '../welcome.ts'

/**
 * Messages from the primary to a worker. `end` without `drainMs` uses WARREN_DRAIN. `handOver`:
 * other processes keep listening on the ports. `publish`: a message of the demo.
 */
export type ToWorker =
  | { readonly kind: 'query'; readonly id: number; readonly at: 'health' | 'metrics' }
  | { readonly kind: 'publish'; readonly id: number; readonly publication: Publication }
  | { readonly kind: 'reload' }
  | { readonly kind: 'end'; readonly drainMs?: number; readonly handOver?: boolean }

/**
 * Messages from a worker to the primary: it receives messages; clients can connect, and where the
 * primary reaches its console, or the reason why they cannot; at the end, its final metrics.
 * `published`: whether the gateway has confirmed the message.
 */
export type FromWorker =
  | { readonly kind: 'receiving' }
  | { readonly kind: 'listening'; readonly running: Running; readonly console: WorkerConsoleAddress | undefined }
  | { readonly kind: 'failed'; readonly text: string; readonly status: number }
  | { readonly kind: 'health'; readonly id: number; readonly ready: HealthVerdict }
  | { readonly kind: 'metrics'; readonly id: number; readonly metrics: Snapshot }
  | { readonly kind: 'published'; readonly id: number; readonly confirmed: boolean }
  | { readonly kind: 'ended'; readonly metrics: Snapshot }
