/** A private nginx with nchan: one worker, as the others are one process. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../test/support/eventually.ts'
import { freePort } from '../test/support/network/ports.ts'
import { spawnGuarded } from '../test/support/processes/guarded-process.ts'
import { newFolder, removeFolder } from '../test/support/processes/run-folder.ts'
import { nchanModule } from './debian.ts'
import { pin } from './machine.ts'

export interface Nginx {
  readonly port: number
  /** The serving processes; the first process only supervises them. */
  readonly workers: readonly number[]
  stop(): Promise<void>
}

export async function startNginx(program: string): Promise<Nginx> {
  const folder = newFolder()
  const port = await freePort()
  const configuration = join(folder, 'nginx.conf')
  writeFileSync(configuration, configured(folder, port))
  const child = spawnGuarded(program, ['-p', folder, '-c', configuration, '-e', join(folder, 'error.log')], {
    env: { PATH: process.env['PATH'] ?? '' },
    output: 'ignore',
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const master = child.pid ?? 0
  const workers = await eventually('nginx to answer', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/pub?id=begin`, { method: 'POST', body: '' })
    return answer.status < 300 ? childrenOf(master) : undefined
  })
  for (const worker of workers) pin(worker, 'server')
  // Only the first process ends with this one by itself.
  const end = (): void => workers.forEach((worker) => process.kill(worker, 'SIGKILL'))
  process.once('exit', end)
  return {
    port,
    workers,
    async stop() {
      process.off('exit', end)
      child.kill('SIGTERM')
      await exited
      removeFolder(folder)
    },
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').map(Number)
}

function configured(folder: string, port: number): string {
  return `
load_module ${nchanModule};
daemon off;
user ${process.getuid?.() === 0 ? 'root' : 'nobody'};
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 19000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  nchan_shared_memory_size 512m;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /sub {
      nchan_subscriber websocket;
      nchan_channel_id $arg_id;
      nchan_subscriber_first_message newest;
    }
    location = /pub {
      nchan_publisher http;
      nchan_channel_id $arg_id;
      nchan_message_buffer_length 100;
      nchan_message_timeout 10s;
    }
  }
}
`
}
