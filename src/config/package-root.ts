/**
 * The folder of the package, with a slash at the end, as a URL. `moduleUrl`: of a module in `src`,
 * `dist` or `dist/program`, where a bundled module is.
 */
export function packageRoot(moduleUrl: string): string {
  const at = Math.max(moduleUrl.lastIndexOf('/dist/'), moduleUrl.lastIndexOf('/src/'))
  return moduleUrl.slice(0, at + 1)
}
