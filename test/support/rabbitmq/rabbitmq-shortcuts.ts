import { execFile } from 'node:child_process'

/**
 * Commands of rabbitmqctl that tests give often, as the Erlang that they come to. rabbitmqctl
 * starts a machine of its own and loads all of its commands for each, which takes a second of a
 * processor; Erlang's `erl_call` is there in 10 ms.
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
        : // Not from the tracked connections, where a new one is missing for a moment.
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
    default:
      return undefined
  }
}

/**
 * Evaluates an expression on the node; resolves to what it printed and its value, as `rabbitmqctl
 * eval` prints them; undefined where there is no erl_call.
 */
export function evaluate(
  { nodeName, env }: { nodeName: string; env: Readonly<Record<string, string>> },
  expression: string,
): Promise<string | undefined> {
  // It ends with status 0 whatever became of the expression, and prints nothing for one that does
  // not parse.
  const told = `try (begin ${expression} end) of Value -> io:format("~p~nevaluated", [Value]) catch Class:Reason -> io:format("~p", [{Class, Reason}]) end.\n`
  return new Promise((resolve, reject) => {
    const child = execFile(
      'erl_call',
      ['-n', nodeName, '-e', '-fetch_stdout', '-no_result_term'],
      { env: { ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') resolve(undefined)
        else if (!error && stdout.endsWith('\nevaluated')) resolve(stdout.slice(0, -'\nevaluated'.length))
        else
          reject(new Error(`${nodeName}: ${expression}: ${stdout || stderr || error?.message || 'it does not parse'}`))
      },
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(told)
  })
}

const actor = binary('a test')

function text(characters: string): string {
  return JSON.stringify(characters)
}

/** A binary of Erlang, byte by byte: nothing in it needs quoting. */
function binary(characters: string): string {
  return `<<${[...Buffer.from(characters)].join(',')}>>`
}
