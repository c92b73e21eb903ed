import type { ExchangeType } from '../../../core/model/source.ts'
import type { MessagePropertyName } from '../../model/place.ts'

/** The members that name a place, of which exactly one is given. */
export interface PlaceArguments {
  readonly body?: string | null
  readonly envelope?: string | null
  readonly header?: string | null
  readonly word?: string | null
  readonly property?: MessagePropertyName | null
}

interface HeaderArgument {
  readonly name: string
  readonly value: string
}

/** The arguments that `@publish` and `@request` have in common. */
export interface MessageArguments {
  readonly exchange: string
  readonly routingKey: string
  readonly type?: string | null
  readonly headers?: readonly HeaderArgument[] | null
  readonly wrap?: string | null
}

/** The arguments of each directive, with defaults, as `definitions.ts` defines them. */
export interface DirectiveArguments {
  readonly events: {
    readonly exchange: string
    readonly exchangeType: ExchangeType
    readonly routingKey: string
    readonly body: string
    readonly typeFrom?: PlaceArguments | null
    readonly invalid: 'QUARANTINE' | 'NULL' | 'DELIVER'
    readonly gap: 'AUTO' | 'ERROR' | 'NEXT'
    readonly history: boolean
    readonly declare: boolean
  }
  readonly state: { readonly key: string; readonly deleteOn: readonly string[]; readonly keep?: string | null }
  readonly match: PlaceArguments
  readonly only: PlaceArguments & { readonly in: readonly string[] }
  readonly owner: PlaceArguments & { readonly claim?: string | null }
  readonly allow: { readonly scopes: readonly string[]; readonly anonymous: boolean }
  readonly from: PlaceArguments & { readonly as?: 'EPOCH_SECONDS' | 'EPOCH_MILLIS' | null }
  readonly eventType: { readonly name: string }
  readonly value: { readonly is?: string | null; readonly unknown: boolean }
  readonly filterable: object
  readonly publish: MessageArguments & { readonly mandatory: boolean }
  readonly request: MessageArguments & { readonly timeout: string; readonly body: string; readonly entity: boolean }
  readonly naming: { readonly case: 'SNAKE' | 'KEBAB' | 'PASCAL' }

  readonly key: { readonly fields: string; readonly resolvable?: boolean | null }
  readonly shareable: object
  readonly inaccessible: object
  readonly tag: { readonly name: string }
  readonly interfaceObject: object
  readonly external: object
  readonly requires: { readonly fields: string }
  readonly provides: { readonly fields: string }
  readonly link: { readonly url: string }

  readonly deprecated: { readonly reason: string }
  readonly specifiedBy: { readonly url: string }
  readonly oneOf: object
}

export type DirectiveName = keyof DirectiveArguments
