import { maxKeysPerRequest, type KeyAdd, type KeyAddResult } from '@gpt-load/contracts/api/key'
import { authorise } from '../authorise.ts'
import { wrongField } from '../http/api-problem.ts'
import type { VerbAnswer, VerbContext, VerbInput } from '../verb.ts'
import { importKeys } from './import-keys.ts'
import { parseKeysText, type KeyLine } from '@gpt-load/contracts/parse-keys-text'

export async function addKeys({
  ctx,
  input,
}: {
  ctx: VerbContext
  input: Pick<VerbInput<'addKeys'>, 'params' | 'body'>
}): Promise<VerbAnswer<KeyAddResult>> {
  authorise(ctx, 'addKeys')
  const { note = '', weight = 1 } = input.body
  const { revision, ...value } = await importKeys(ctx, {
    groupId: input.params.id,
    keys: keyLinesOf(input.body),
    defaults: { note, weight, managedBy: null },
    action: 'key.add',
  })
  return { value, ...(revision === null ? {} : { committed: revision }) }
}

function keyLinesOf({ keys, text }: KeyAdd): KeyLine[] {
  if (keys !== undefined) return keys.map((key, index) => ({ line: index + 1, key }))
  const lines = parseKeysText(text ?? '')
  if (lines.length === 0) throw wrongField('/text', 'holds no key')
  if (lines.length > maxKeysPerRequest)
    throw wrongField('/text', `holds ${lines.length} keys, ${maxKeysPerRequest} at most: import larger sets`)
  return lines
}
