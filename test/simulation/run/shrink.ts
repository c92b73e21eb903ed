import type { Action, Script } from '../world/script.ts'
import type { RunResult } from '../world/world.ts'

/** How many runs the search for a smaller script may take. */
const maxRuns = 400

/**
 * Drops actions, clients and messages, and shortens the run, as long as the same promise does not
 * hold. Returns the smallest script that it found.
 */
export async function shrink(
  script: Script,
  promise: string,
  run: (script: Script) => Promise<RunResult>,
): Promise<Script> {
  let smallest = script
  let left = maxRuns
  const accepts = async (candidate: Script): Promise<boolean> => {
    if (left === 0) return false
    left -= 1
    const { violation } = await run(candidate)
    if (violation?.promise !== promise) return false
    smallest = candidate
    return true
  }
  for (let before: Script | undefined; before !== smallest; ) {
    before = smallest
    await dropSome(
      () => smallest.actions,
      (actions) => accepts({ ...smallest, actions }),
    )
    for (let index = smallest.clients.length - 1; index >= 0; index -= 1) {
      if (smallest.clients.length > 1) await accepts(withoutClient(smallest, index))
    }
    for (let index = 0; index < smallest.actions.length; index += 1) {
      for (const smaller of smallerThan(smallest.actions[index] as Action)) {
        const actions = smallest.actions.with(index, smaller)
        await accepts({ ...smallest, actions })
      }
    }
    for (const settings of [
      { ...smallest.settings, replicas: Math.max(1, smallest.settings.replicas - 1) },
      { ...smallest.settings, nodes: 1 },
    ]) {
      if (JSON.stringify(settings) !== JSON.stringify(smallest.settings)) await accepts({ ...smallest, settings })
    }
    const lastAt = Math.max(100, ...smallest.actions.map(({ at }) => at + 100))
    if (lastAt < smallest.lengthMs) await accepts({ ...smallest, lengthMs: lastAt })
  }
  return smallest
}

/** Tries without halves, quarters and so on of the list, down to single items. */
async function dropSome<Item>(
  items: () => readonly Item[],
  accepts: (items: readonly Item[]) => Promise<boolean>,
): Promise<void> {
  for (let size = Math.ceil(items().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < items().length; ) {
      const all = items()
      const isSmaller = await accepts([...all.slice(0, from), ...all.slice(from + size)])
      if (!isSmaller) from += size
    }
  }
}

function withoutClient(script: Script, index: number): Script {
  const clients = script.clients.filter((_, each) => each !== index)
  const actions = script.actions.flatMap((action): Action[] => {
    if (!('client' in action)) return [action]
    if (action.client === index) return []
    return [{ ...action, client: action.client > index ? action.client - 1 : action.client }]
  })
  return { ...script, clients, actions }
}

function* smallerThan(action: Action): Generator<Action> {
  if ('count' in action && action.count > 1) {
    yield { ...action, count: 1 }
    yield { ...action, count: Math.floor(action.count / 2) }
    yield { ...action, count: action.count - 1 }
  }
}
