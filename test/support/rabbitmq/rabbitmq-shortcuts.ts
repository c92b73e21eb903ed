import { execFile } from 'node:child_process'

/**
 * Frequent commands of rabbitmqctl, as the Erlang expressions behind them. rabbitmqctl starts an
 * Erlang VM and loads all of its commands each time, which takes 1 s of CPU; `erl_call` takes 10
 * ms.
 */
export function shortcut([command, ...args]: readonly string[]): string | undefined {
  const [first = '', second = '', third] = args
  switch (command) {
    case 'eval':
      return first.trim().replace(/\.$/, '')
    case 'stop_app':
      return 'rabbit:stop()'
    case 'start_app':
      return 'rabbit:start()'
    case 'await_startup':
      return 'rabbit:await_startup()'
    case 'await_online_nodes':
      return `rabbit_nodes:await_running_count(${first}, 300000)`
    case 'close_all_connections':
      return args.length === 1
        ? `rabbit_networking:close_all_connections(${text(first)})`
        : // Not from the tracked connections, because a new one is missing there at first.
          `[rabbit_networking:close_connection(Pid, ${text(third ?? '')}) || [{pid, Pid}, {vhost, ${binary(second)}}] <- rabbit_networking:connection_info_all([pid, vhost])], ok`
    case 'set_vm_memory_high_watermark':
      return `vm_memory_monitor:set_vm_memory_high_watermark(${first})`
    case 'set_disk_free_limit':
      return `rabbit_disk_monitor:set_disk_free_limit(${text(first)})`
    case 'import_definitions':
      return `{ok, Json} = file:read_file(${binary(first)}), ok = rabbit_definitions:import_raw(Json)`
    case 'add_user':
      return `rabbit_auth_backend_internal:add_user(${binary(first)}, ${binary(second)}, ${actor})`
    case 'delete_user':
      return `rabbit_auth_backend_internal:delete_user(${binary(first)}, ${actor})`
    case 'change_password':
      return `rabbit_auth_backend_internal:change_password(${binary(first)}, ${binary(second)}, ${actor})`
    case 'set_permissions': {
      const [vhost, user, ...patterns] = first === '-p' ? args.slice(1) : ['/', ...args]
      return `rabbit_auth_backend_internal:set_permissions(${[user, vhost, ...patterns, 'a test'].map((one) => binary(one ?? '')).join(', ')})`
    }
    case 'add_vhost':
      return args.length === 1 ? `rabbit_vhost:add(${binary(first)}, ${actor})` : undefined
    case 'delete_vhost':
      return `rabbit_vhost:delete(${binary(first)}, ${actor})`
    case 'set_vhost_limits':
      return `rabbit_vhost_limit:parse_set(${binary(second)}, ${binary(third ?? '')}, ${actor})`
    default:
      return undefined
  }
}

let calls = 0

/**
 * Evaluates an expression on the node. Resolves to its output and value, as `rabbitmqctl eval`
 * prints them; undefined without erl_call.
 */
export function evaluate(
  { nodeName, env }: { nodeName: string; env: Readonly<Record<string, string>> },
  expression: string,
): Promise<string | undefined> {
  // erl_call exits with 0 even if the expression fails, and prints nothing if it does not parse.
  const guarded = `try (begin ${expression} end) of Value -> io:format("~p~nevaluated", [Value]) catch Class:Reason -> io:format("~p", [{Class, Reason}]) end.\n`
  return new Promise((resolve, reject) => {
    const child = execFile(
      'erl_call',
      // Of two with the same name, one cannot connect. Those that start in the same second have the
      // same name by default, and with -r.
      ['-h', `test${process.pid}x${(calls += 1)}`, '-n', nodeName, '-e', '-fetch_stdout', '-no_result_term'],
      { env: { ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') resolve(undefined)
        else if (!error && stdout.endsWith('\nevaluated')) resolve(stdout.slice(0, -'\nevaluated'.length))
        else
          reject(new Error(`${nodeName}: ${expression}: ${stdout || stderr || error?.message || 'it does not parse'}`))
      },
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(guarded)
  })
}

const actor = binary('a test')

function text(characters: string): string {
  return JSON.stringify(characters)
}

/** An Erlang binary, byte by byte, so that nothing needs quoting. */
function binary(characters: string): string {
  return `<<${[...Buffer.from(characters)].join(',')}>>`
}
