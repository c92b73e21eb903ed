import { builder } from '../builder.ts'

builder.mutationField('ack', (t) =>
  t.boolean({
    description:
      "Everything up to the cursor is handled: moves the caller's position of this name. False if it is there already, or further. It is stored within a second; after a crash of the gateway, events of that second are delivered again.",
    args: {
      position: t.arg.string({ required: true }),
      cursor: t.arg({ type: 'Cursor', required: true }),
    },
    resolve: (_root, { position, cursor }, { identity, gateway }) => gateway.positions.ack(identity, position, cursor),
  }),
)
