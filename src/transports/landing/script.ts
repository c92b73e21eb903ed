/**
 * The switch of the theme. The page shows everything without it. The choice is kept where the
 * console keeps its own, so both agree when they have the same origin.
 */
export const script = `
'use strict'
const root = document.documentElement
const button = document.getElementById('theme')
const key = 'warren.console'
const dark = matchMedia('(prefers-color-scheme: dark)')
function settings() {
  try { return JSON.parse(localStorage.getItem(key)) || {} } catch { return {} }
}
function theme() {
  const { theme } = settings()
  return theme === 'light' || theme === 'dark' ? theme : dark.matches ? 'dark' : 'light'
}
function paint() {
  root.dataset.theme = theme()
  button.setAttribute('aria-label', theme() === 'dark' ? 'Use the light theme' : 'Use the dark theme')
}
button.addEventListener('click', () => {
  const next = theme() === 'dark' ? 'light' : 'dark'
  try { localStorage.setItem(key, JSON.stringify({ ...settings(), theme: next })) } catch {}
  paint()
  root.dataset.theme = next
})
dark.addEventListener('change', paint)
paint()
button.hidden = false
`
