import type { Route } from './route.ts'

/** That the process answers; probes ask the ops port. */
export const healthCheck: Route = {
  path: '/health-check',
  method: 'GET',
  answer: () => Promise.resolve({ status: 200, body: 'OK' }),
}
