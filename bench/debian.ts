/** The Debian packages that only the bench needs. */
import { type DebianPackage, debianPackages } from '../test/support/processes/debian-package.ts'

export const nchanModule = '/usr/lib/nginx/modules/ngx_nchan_module.so'

export const benchPackages = {
  rabbitmq: debianPackages.rabbitmq,
  nginx: debianPackages.nginx,
  nchan: { name: 'libnginx-mod-nchan', file: nchanModule },
  compiler: debianPackages.compiler,
  libc: debianPackages.libc,
  taskset: { name: 'util-linux', file: '/usr/bin/taskset' },
} as const satisfies Record<string, DebianPackage>
