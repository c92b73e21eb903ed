import type { Config } from './options/options.ts'

/** The topic exchanges to which the gateway publishes for back ends. */
export function hookExchanges({ namespace, offline }: Pick<Config, 'namespace' | 'offline'>): readonly string[] {
  const words = offline ? ['presence', 'offline'] : ['presence']
  return words.map((word) => `${namespace}.${word}`)
}
