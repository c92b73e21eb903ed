import type { RabbitNode } from './broker.ts'

export interface StreamReplicas {
  /** The name of the node with the leader of the stream. */
  readonly leader: string
  /** The names of the nodes with a running replica. */
  readonly online: readonly string[]
}

/** Reads the replicas as the node lists them. Rejects if it does not list the stream. */
export async function streamReplicas(node: RabbitNode, stream: string): Promise<StreamReplicas> {
  const text = await node.ctl(
    'eval',
    `[io:format("~s ~s~n", [proplists:get_value(leader, I), lists:join(",", [atom_to_list(N) || N <- proplists:get_value(online, I)])])
      || Q <- rabbit_amqqueue:list(<<"/">>), I <- [rabbit_amqqueue:info(Q, [name, leader, online])],
         proplists:get_value(name, I) =:= {resource, <<"/">>, queue, <<"${stream}">>}], listed.`,
  )
  const [leader, online] = text.split('\n')[0]?.split(' ') ?? []
  if (leader === undefined || online === undefined) throw new Error(`${stream} is not listed: ${text}`)
  return { leader, online: online.split(',') }
}
