import type { HealthVerdict } from '../../observability/health.ts'
import type { Snapshot } from '../../observability/snapshot.ts'
import type { Running } from '../welcome.ts'

/**
 * What the primary tells a worker. `end` without `drainMs` is over WARREN_DRAIN; `handOver` where
 * others go on listening.
 */
export type ToWorker =
  | { readonly kind: 'look'; readonly question: number; readonly at: 'health' | 'metrics' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'end'; readonly drainMs?: number; readonly handOver?: boolean }

/**
 * What a worker tells the primary: that it hears; that clients can connect, or why they never will;
 * last, what it has counted in all.
 */
export type FromWorker =
  | { readonly kind: 'hearing' }
  | { readonly kind: 'listening'; readonly running: Running }
  | { readonly kind: 'failed'; readonly text: string; readonly status: number }
  | { readonly kind: 'health'; readonly question: number; readonly ready: HealthVerdict }
  | { readonly kind: 'metrics'; readonly question: number; readonly counted: Snapshot }
  | { readonly kind: 'ended'; readonly counted: Snapshot }
