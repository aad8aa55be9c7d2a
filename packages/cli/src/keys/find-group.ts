import type { ApiClient } from '@gpt-load/api-client/api-client'
import type { Group } from '@gpt-load/contracts/api/group'
import { StartupError } from '@gpt-load/service-kit/startup-error'

/** By its whole name. */
export async function findGroup(server: ApiClient, name: string): Promise<Group> {
  for (let cursor: string | undefined; ;) {
    const { data } = await server('GET /api/v1/groups', { query: { search: name, limit: 1_000, cursor } })
    const group = data.items.find((one) => one.name === name)
    if (group !== undefined) return group
    if (data.next_cursor === null)
      throw new StartupError(`there is no group "${name}"`, 'gptload health lists the groups')
    cursor = data.next_cursor
  }
}
