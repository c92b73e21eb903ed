import { type ComponentType, lazy } from 'react'
import type { ViewId } from './navigation.ts'

/** Each view is loaded when it is opened first. */
export const viewComponents: Readonly<Record<ViewId, ComponentType>> = {
  '': lazy(() => import('../views/overview/overview.tsx')),
  clients: lazy(() => import('../views/clients/clients.tsx')),
  replicas: lazy(() => import('../views/replicas/replicas.tsx')),
}
