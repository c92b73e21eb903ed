import type { IconName } from '../parts/icon.tsx'

/** As in the address; empty for the first view. */
export type ViewId =
  | ''
  | 'live'
  | 'trace'
  | 'journal'
  | 'clients'
  | 'sources'
  | 'schema'
  | 'quarantine'
  | 'replicas'
  | 'configuration'
  | 'explorer'

export interface View {
  readonly id: ViewId
  readonly title: string
  readonly icon: IconName
  /** After `G`. */
  readonly key: string
  readonly group: 'Watch' | 'Define' | 'Run' | undefined
  /** A work bench: the list scrolls, and the page does not. */
  readonly fills: boolean
}

/** In the order of the navigation. */
export const views: readonly View[] = [
  { id: '', title: 'Overview', icon: 'flow', key: 'o', group: undefined, fills: false },
  { id: 'live', title: 'Live', icon: 'live', key: 'l', group: 'Watch', fills: true },
  { id: 'trace', title: 'Trace', icon: 'trace', key: 't', group: 'Watch', fills: false },
  { id: 'journal', title: 'Journal', icon: 'journal', key: 'j', group: 'Watch', fills: false },
  { id: 'clients', title: 'Clients', icon: 'clients', key: 'c', group: 'Watch', fills: true },
  { id: 'sources', title: 'Sources', icon: 'sources', key: 's', group: 'Define', fills: false },
  { id: 'schema', title: 'Schema', icon: 'schema', key: 'd', group: 'Define', fills: false },
  { id: 'quarantine', title: 'Quarantine', icon: 'poison', key: 'q', group: 'Run', fills: false },
  { id: 'replicas', title: 'Replicas', icon: 'replicas', key: 'r', group: 'Run', fills: false },
  { id: 'explorer', title: 'Explorer', icon: 'explorer', key: 'e', group: 'Run', fills: true },
  { id: 'configuration', title: 'Configuration', icon: 'config', key: 'f', group: 'Run', fills: false },
]

export function viewOf(id: string): View | undefined {
  return views.find((one) => one.id === id)
}
