import { testOrder, testOrderType } from '../../core/publishing/test-data.ts'
import { publicationOf } from '../../core/publishing/to-publication.ts'
import { demand, mayPublish } from '../../core/sessions/authorizer.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'

const maxCount = 1_000

builder.mutationField('publishTestData', (t) =>
  t.int({
    description: 'Only with WARREN_TEST_ROUTES=on. Publishes generated orders to a client and returns their number.',
    args: { clientId: t.arg.id({ required: true }), count: t.arg.int({ defaultValue: 10 }) },
    resolve: async (_root, { clientId, count }, { identity, address, gateway, settings }) => {
      demand(mayPublish(identity), identity, 'publish')
      const wanted = count ?? 10
      if (wanted < 1 || wanted > maxCount)
        throw badInput('count', `expected a number from 1 to ${maxCount}, got ${wanted}`)
      for (let number = 1; number <= wanted; number += 1) {
        const request = { clientId, data: testOrder(number), type: testOrderType }
        const publication = publicationOf(request, { namespace: settings.namespace, publisher: '' })
        await gateway.publishAs(identity, publication, payerOf(identity, address))
      }
      return wanted
    },
  }),
)
