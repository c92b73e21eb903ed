import { useSyncExternalStore } from 'react'

/** What a user chose for this browser. */
export interface ConsoleSettings {
  readonly theme: 'light' | 'dark' | 'system'
  readonly zone: 'utc' | 'local'
  /** Single letters as keys (WCAG 2.1.4). */
  readonly letterKeys: 'on' | 'off'
}

const defaults: ConsoleSettings = { theme: 'system', zone: 'utc', letterKeys: 'on' }
const key = 'warren.console'
const dark = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()
let settings = read()

export function useSettings(): ConsoleSettings {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => settings,
  )
}

export function changeSettings(changes: Partial<ConsoleSettings>): void {
  settings = { ...settings, ...changes }
  try {
    localStorage.setItem(key, JSON.stringify(settings))
  } catch {
    // A private window keeps nothing.
  }
  paint()
  for (const listener of listeners) listener()
}

/** Applies the theme to the page. Call it before the first rendering. */
export function paint(): void {
  document.documentElement.dataset['theme'] = themeNow()
}
dark.addEventListener('change', () => {
  paint()
  // A new object, so that what is drawn in the colours of the theme is drawn again.
  settings = { ...settings }
  for (const listener of listeners) listener()
})

export function themeNow(): 'light' | 'dark' {
  if (settings.theme !== 'system') return settings.theme
  return dark.matches ? 'dark' : 'light'
}

function read(): ConsoleSettings {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<ConsoleSettings>) }
  } catch {
    return defaults
  }
}
