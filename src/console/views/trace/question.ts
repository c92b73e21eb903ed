import type { MessagePicture, TraceQueryVariables } from '../../api/generated/graphql.ts'

/**
 * What the parameters of the address ask for, and the same without the client: a message that is
 * not for the client is found, too, because the reason is what is looked for. Undefined: nothing.
 */
export function questionsOf(params: URLSearchParams): {
  readonly asked: TraceQueryVariables | undefined
  readonly forAnyClient: TraceQueryVariables | undefined
} {
  const valueOf = (name: string): string | null => params.get(name) || null
  const [messageId, cursor, clientId] = [valueOf('id'), valueOf('cursor'), valueOf('client')]
  const client = { clientId: clientId ?? '', hasClient: clientId !== null }
  if (messageId !== null) return { asked: { messageId, ...client }, forAnyClient: undefined }
  if (cursor !== null) return { asked: { cursor, ...client }, forAnyClient: undefined }
  const picture: MessagePicture = {
    search: valueOf('q'),
    exchange: valueOf('exchange'),
    routingKey: valueOf('key'),
    text: valueOf('text'),
  }
  const describes = Object.values(picture).some((value) => value !== null)
  return {
    asked: describes || clientId !== null ? { look: { ...picture, clientId }, ...client } : undefined,
    forAnyClient: describes && clientId !== null ? { look: picture, ...client } : undefined,
  }
}
