import { useSyncExternalStore } from 'react'

const narrow = matchMedia('(max-width: 719px)')

/** Whether the page has the width of a phone. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      narrow.addEventListener('change', listener)
      return () => narrow.removeEventListener('change', listener)
    },
    () => narrow.matches,
  )
}
