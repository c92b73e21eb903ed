import { debianPackages, locate } from '../support/processes/debian-package.ts'
import { resumesAsThePageDescribes } from './languages.ts'

resumesAsThePageDescribes({
  scheme: 'ws',
  command() {
    locate(debianPackages.pythonWebSocket)
    // Debian's own interpreter, because another one earlier in PATH lacks its packages.
    return ['/usr/bin/python3', 'examples/clients/python/resume.py']
  },
})
