import { offerSharedChromium } from '../processes/chromium-server.ts'
import { type DebianPackage, debianPackages, installMissing } from '../processes/debian-package.ts'
import { removeAbandonedFolders } from '../processes/run-folder.ts'
import { offerSharedNode } from '../rabbitmq/shared-node.ts'

declare global {
  /** What test files share, until the last one has ended. */
  var sharedByFiles: readonly { close(): Promise<void> }[] | undefined
}

/** Runs once, in jest's main process, before the first test file. */
export default async function globalSetup(): Promise<void> {
  removeAbandonedFolders()
  // Here, not in each test, because an installation may take longer than the timeout of a test.
  const { debootstrap, javac, go, zsh, fish } = debianPackages
  const onDemand = new Set<DebianPackage>([debootstrap, javac, go, zsh, fish])
  await installMissing(Object.values(debianPackages).filter((one) => !onDemand.has(one)))
  globalThis.sharedByFiles = [await offerSharedNode(), await offerSharedChromium()]
}
