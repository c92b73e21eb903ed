import { jest } from '@jest/globals'

/** Captures what a gateway in this process prints from here on. */
export function captureOutput(): { readonly lines: () => string[]; readonly restore: () => void } {
  const chunks: string[] = []
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    chunks.push(String(chunk))
    return true
  })
  return {
    lines: () => chunks.join('').split('\n').filter(Boolean),
    restore: () => spy.mockRestore(),
  }
}
