import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Document {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

/** Every file that git knows or would take, by its path. */
export const paths = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '')

/** The files that describe how to use Warren: pages, manifests, the image, examples. */
export function documents(): Document[] {
  return paths
    .filter((path) => /\.md$|^k8s\/|^examples\/|^compose\.yaml$|^Dockerfile$/.test(path))
    .map((path) => ({
      path,
      text: path === 'CHANGELOG.md' ? newest(readFileSync(path, 'utf8')) : readFileSync(path, 'utf8'),
    }))
}

export function pages(): Document[] {
  return documents().filter(({ path }) => path.endsWith('.md'))
}

/** What older versions had may be gone by now. */
function newest(changelog: string): string {
  return changelog
    .split(/^(?=## )/m)
    .slice(0, 2)
    .join('')
}

export interface Block {
  readonly path: string
  readonly line: number
  readonly language: string
  readonly text: string
}

/** The fenced blocks of a page, in order. Those in a list are indented, their texts here are not. */
export function blocksOf({ path, text }: Document): Block[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map((match) => ({
    path,
    line: text.slice(0, match.index).split('\n').length + 1,
    language: match[2] ?? '',
    text: (match[3] ?? '').replaceAll(new RegExp(`^${match[1]}`, 'gm'), ''),
  }))
}

/** What stands in single backquotes, outside of blocks. */
export function spansOf({ text }: Document): string[] {
  return [...text.replace(/^( *)```[\s\S]*?^\1```$/gm, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
}
