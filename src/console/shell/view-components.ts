import { type ComponentType, lazy } from 'react'
import type { ViewId } from './navigation.ts'

/** Each view is loaded when it is opened first. */
export const viewComponents: Readonly<Record<ViewId, ComponentType>> = {
  '': lazy(() => import('../views/overview/overview.tsx')),
  live: lazy(() => import('../views/live/live.tsx')),
  trace: lazy(() => import('../views/trace/trace.tsx')),
  journal: lazy(() => import('../views/journal/journal.tsx')),
  clients: lazy(() => import('../views/clients/clients.tsx')),
  sources: lazy(() => import('../views/sources/sources.tsx')),
  schema: lazy(() => import('../views/schema/schema.tsx')),
  quarantine: lazy(() => import('../views/quarantine/quarantine.tsx')),
  replicas: lazy(() => import('../views/replicas/replicas.tsx')),
  explorer: lazy(() => import('../views/explorer/explorer.tsx')),
  configuration: lazy(() => import('../views/configuration/configuration.tsx')),
}
