import { mostWanted } from '../../http/media-types.ts'
import { serverSentEvents } from './event-stream.ts'
import { apolloMultipart, plainMultipart } from './multipart.ts'
import type { StreamForm } from './stream-form.ts'

/** If a client wants several equally, the first of them is taken. */
const streamForms: readonly StreamForm[] = [apolloMultipart, serverSentEvents, plainMultipart]

export const streamTypes = streamForms.map(({ mediaType }) => mediaType)

/** The form that answers a subscription. Undefined: the client accepts none. */
export function streamFormOf(accept: string | undefined): StreamForm | undefined {
  const type = mostWanted(accept, streamTypes)
  return streamForms.find(({ mediaType }) => mediaType === type)
}
