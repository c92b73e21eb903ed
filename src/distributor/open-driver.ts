import { readdir } from 'node:fs/promises'
import type { Driver, DriverClass, DriverOptions } from '../brokers/driver.ts'
import { badInput } from '../errors.ts'

/** The folder of Warren's own drivers. */
export const ownDrivers = new URL('./drivers/', import.meta.url)

/**
 * Opens the driver for the scheme of the URLs. Several URLs are the nodes of one cluster. Each file
 * in the folder is a driver, so adding a driver means adding a file. Rejects with `BAD_USER_INPUT`
 * and lists the known schemes and the files that could not be loaded.
 */
export async function openDriver(
  urls: readonly string[],
  options: DriverOptions,
  folder: URL = ownDrivers,
): Promise<Driver> {
  const scheme = schemeOf(urls)
  const drivers = new Map<string, DriverClass>()
  const broken: string[] = []
  for (const file of await driverFiles(folder)) {
    try {
      const driver = driverIn(await import(new URL(file, folder).href))
      drivers.set(driver.scheme, driver)
    } catch (error) {
      broken.push(`${file}: ${(error as Error).message}`)
    }
  }
  for (const failure of broken) options.log('warn', `a driver cannot be used: ${failure}`)
  const Class = drivers.get(scheme)
  if (Class) return new Class(urls, options)
  const known = [...drivers.keys()].sort().join(', ')
  const failures = broken.length === 0 ? '' : ` (could not be loaded: ${broken.join('; ')})`
  throw badInput('url', `no driver for ${scheme}; expected one of ${known || '(no drivers found)'}${failures}`)
}

function schemeOf(urls: readonly string[]): string {
  const schemes = new Set(urls.map((url) => /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase()))
  const [scheme] = schemes
  if (scheme === undefined) throw badInput('url', 'expected a URL, such as memory: or amqp://host')
  if (schemes.size > 1) throw badInput('url', `expected the same scheme for all nodes, got ${[...schemes].join(', ')}`)
  return scheme
}

/** `.ts` files when Warren runs from its sources, compiled `.js` files when it runs from `dist`. */
async function driverFiles(folder: URL): Promise<string[]> {
  const files = await readdir(folder)
  return files.filter((file) => /\.(?:ts|js|mjs)$/.test(file) && !file.endsWith('.d.ts')).sort()
}

function driverIn(module: unknown): DriverClass {
  const driver = (module as { default?: unknown }).default
  if (typeof driver !== 'function') throw new Error('expected a class as its default export')
  const { scheme, prototype } = driver as { scheme?: unknown; prototype?: Partial<Driver> }
  if (typeof scheme !== 'string' || !/^[a-z][a-z0-9+.-]*:$/.test(scheme)) {
    throw new Error(`expected a static scheme such as "amqp:", got ${JSON.stringify(scheme)}`)
  }
  for (const method of ['publish', 'subscribe'] as const) {
    if (typeof prototype?.[method] !== 'function') throw new Error(`expected a method ${method}`)
  }
  return driver as unknown as DriverClass
}
