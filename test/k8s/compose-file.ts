import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export interface ComposeService {
  readonly image: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stop_grace_period?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

type Name = 'rabbitmq' | 'postgres' | 'secret' | 'warren' | 'demo' | 'prometheus' | 'grafana'

export const composeText = readFileSync('compose.yaml', 'utf8')
export const { services } = parse(composeText) as { readonly services: Readonly<Record<Name, ComposeService>> }

/** By the path in the container, the path in this tree or the volume. */
export function mountsOf({ volumes = [] }: ComposeService): ReadonlyMap<string, string> {
  return new Map(
    volumes.map((volume) => {
      const [source = '', target = ''] = volume.split(':')
      return [target, source]
    }),
  )
}
