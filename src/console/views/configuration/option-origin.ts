import type { ShownOption } from './option-filter.ts'

const origins = {
  DEFAULT: 'default',
  ENVIRONMENT: 'environment',
  FLAG: 'flag',
  FILE: 'file',
  DERIVED: 'derived',
} as const

/** Such as `environment OTEL_EXPORTER_OTLP_ENDPOINT`. */
export function originText({ origin, givenAs, name, file }: ShownOption): string {
  if (origin === null) return 'not known'
  const word = origins[origin]
  if (origin === 'FILE') return `${word} ${file ?? ''}`
  return givenAs === null || givenAs === name ? word : `${word} ${givenAs}`
}
