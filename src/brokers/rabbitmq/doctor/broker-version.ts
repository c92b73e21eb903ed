/** Whether RabbitMQ's version, such as `3.10.8`, is older than this major and minor version. */
export function isOlder(version: string, than: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < than[0] || (major === than[0] && minor < than[1])
}
