import type { ReactNode } from 'react'

/**
 * In place of the package react-remove-scroll, which Radix uses to lock the page behind a dialog.
 * It writes a style element, which the policy of the page forbids. The console does not scroll as a
 * page, so nothing has to be locked.
 */
export function RemoveScroll({ children }: { children?: ReactNode }) {
  return children
}
