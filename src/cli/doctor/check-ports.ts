import { createServer } from 'node:net'
import { flagOf, variableOf } from '../../config/options/option.ts'
import type { Config } from '../../config/options/options.ts'
import type { Finding } from '../../core/ports/finding.ts'
import { listenProblem } from '../listen-problem.ts'

const askMs = 2_000
const names = ['port', 'tcpPort', 'tcpEchoPort', 'opsPort'] as const

/**
 * Checks that each port can be bound. A running gateway on this machine already holds its ports.
 */
export async function checkPorts(config: Config): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const name of names) {
    const port = config[name]
    if (port === 'off') continue
    const host = name === 'opsPort' ? config.opsHost : config.host
    const problem = await bind(host, port)
    if (problem === undefined) {
      findings.push({ check: 'ports', status: 'ok', text: `${variableOf(name)}: ${port} of ${host} is free` })
    } else if (problem.code === 'EADDRINUSE' && (await gatewayRuns(config))) {
      findings.push({ check: 'ports', status: 'ok', text: `${variableOf(name)}: a gateway that runs here has ${port}` })
    } else {
      const text = listenProblem(problem, config)?.message ?? problem.message
      const advice = `stop the other program, or set another port (${variableOf(name)}, ${flagOf(name)})`
      findings.push({ check: 'ports', status: 'fail', text, advice })
    }
  }
  return findings
}

function bind(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

async function gatewayRuns({ opsHost: host, opsPort }: Config): Promise<boolean> {
  if (opsPort === 'off') return false
  const near = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  try {
    const url = `http://${near.includes(':') ? `[${near}]` : near}:${opsPort}/metrics`
    const response = await fetch(url, { signal: AbortSignal.timeout(askMs) })
    return (await response.text()).includes('warren_broker_up')
  } catch {
    return false
  }
}
