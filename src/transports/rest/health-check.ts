import type { Route } from './route.ts'

/** Shows that the process answers. Probes use the ops port. */
export const healthCheck: Route = {
  path: '/health-check',
  method: 'GET',
  answer: () => Promise.resolve({ status: 200, body: 'OK' }),
}
