import type { Hub } from '../../../src/core/delivery/hub.ts'
import { patienceMs } from '../patience.ts'

export interface HubWatch {
  /**
   * Resolves when the hub has `size` subscribers, at once if it has them already. By event, without
   * polling.
   */
  until(size: number): Promise<void>
}

/** Observes a hub as subscribers are added and removed. */
export function watchHub(hub: Hub): HubWatch {
  const waiting = new Set<() => void>()
  for (const method of ['subscribe', 'unsubscribe'] as const) {
    const original = hub[method].bind(hub)
    hub[method] = (subscriber) => {
      original(subscriber)
      for (const check of waiting) check()
    }
  }
  return {
    until: (size) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check)
          reject(
            new Error(`Waited ${patienceMs} ms in vain for the hub to have ${size} subscribers; it has ${hub.size}`),
          )
        }, patienceMs)
        const check = () => {
          if (hub.size !== size) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
  }
}
