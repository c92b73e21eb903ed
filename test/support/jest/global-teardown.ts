import './global-setup.ts'

/** Runs once, in jest's main process, after the last test file. */
export default async function globalTeardown(): Promise<void> {
  await Promise.all(globalThis.sharedByFiles?.map((shared) => shared.close()) ?? [])
}
