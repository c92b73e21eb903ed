import type { CreatedClient } from '../../core/clients/client-channels.ts'
import { builder } from '../builder.ts'
import { ClientChannel } from '../channels/client-channel.ts'

/** Counts against `WARREN_MAX_QUERY_COST`, in fields. */
const passwordCost = 100

const CreateClientChannelInput = builder.inputType('CreateClientChannelInput', {
  fields: (t) => ({
    clientId: t.id({ required: true }),
    name: t.string({ required: true }),
    email: t.string({ required: true }),
    password: t.string({ required: true }),
  }),
})

const CreateClientChannelPayload = builder.objectRef<CreatedClient>('CreateClientChannelPayload').implement({
  fields: (t) => ({
    channel: t.field({ type: ClientChannel, resolve: ({ client }) => client }),
    token: t.exposeString('token', { description: 'A bearer token for this channel.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
  }),
})

builder.mutationField('createClientChannel', (t) =>
  t.field({
    type: CreateClientChannelPayload,
    description:
      'Registers a client and its channel. A repeated call with the same password returns a fresh token; with another password it fails with CLIENT_ID_TAKEN.',
    args: { input: t.arg({ type: CreateClientChannelInput, required: true }) },
    // Checking a password takes 19 MiB and tens of milliseconds of a core, so one operation may
    // contain only a few.
    complexity: passwordCost,
    resolve: (_root, { input }, { clientChannels, address, identity }) =>
      clientChannels.create(input, { address, caller: () => Promise.resolve(identity) }),
  }),
)
